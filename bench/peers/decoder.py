"""PyTorch's side of the engine benchmark: train steps and rollouts of a decoder of the Llama family.

Reads one JSON request a line, answers with one JSON line: {"seconds", "memory"}. The model is
written for speed: fused projections, scaled_dot_product_attention, fused AdamW, a preallocated
key/value cache, and no gradients while sampling.
"""

import json
import resource
import sys
import time

import torch
import torch.nn.functional as F


class Decoder(torch.nn.Module):
    def __init__(self, shape):
        super().__init__()
        self.shape = shape
        V, D, L = shape["vocabulary"], shape["width"], shape["layers"]
        H, K, d, M = shape["heads"], shape["keyValueHeads"], shape["headWidth"], shape["feedForward"]
        matrix = lambda i, o: torch.nn.Parameter(torch.randn(i, o) * 0.02)
        self.embedding = matrix(V, D)
        self.output = self.embedding if shape["tied"] else matrix(V, D)
        self.layers = torch.nn.ModuleList()
        for _ in range(L):
            layer = torch.nn.Module()
            layer.qkv = matrix((H + 2 * K) * d, D)
            layer.out = matrix(D, H * d)
            layer.up = matrix(2 * M, D)
            layer.down = matrix(D, M)
            layer.first = torch.nn.Parameter(torch.ones(D))
            layer.second = torch.nn.Parameter(torch.ones(D))
            self.layers.append(layer)
        self.last = torch.nn.Parameter(torch.ones(D))
        angles = torch.arange(shape["context"])[:, None] / shape["ropeTheta"] ** (torch.arange(0, d, 2) / d)
        self.register_buffer("cosines", torch.cat([angles.cos()] * 2, -1))
        self.register_buffer("sines", torch.cat([angles.sin()] * 2, -1))

    def adapt(self, rank):
        """LoRA on the attention's matrices; everything else is frozen."""
        self.requires_grad_(False)
        for layer in self.layers:
            for name in ("qkv", "out"):
                rows, columns = getattr(layer, name).shape
                low = torch.nn.Parameter(torch.randn(rank, columns) * columns**-0.5)
                setattr(layer, name + "_a", low)
                setattr(layer, name + "_b", torch.nn.Parameter(torch.zeros(rows, rank)))

    def project(self, layer, name, x):
        y = F.linear(x, getattr(layer, name))
        if (a := getattr(layer, name + "_a", None)) is None:
            return y
        return y + F.linear(F.linear(x, a), getattr(layer, name + "_b"))

    def forward(self, tokens, start=0, cache=None):
        s = self.shape
        H, K, d = s["heads"], s["keyValueHeads"], s["headWidth"]
        B, T = tokens.shape
        cosines, sines = self.cosines[start : start + T], self.sines[start : start + T]
        turn = lambda x: x * cosines + torch.cat([-x[..., d // 2 :], x[..., : d // 2]], -1) * sines
        x = F.embedding(tokens, self.embedding)
        for i, layer in enumerate(self.layers):
            h = F.rms_norm(x, (s["width"],), layer.first, s["normEpsilon"])
            h = self.project(layer, "qkv", h)
            q, k, v = h.view(B, T, H + 2 * K, d).transpose(1, 2).split([H, K, K], 1)
            q, k = turn(q), turn(k)
            if cache is not None:
                keys, values = cache[i]
                keys[:, :, start : start + T], values[:, :, start : start + T] = k, v
                k, v = keys[:, :, : start + T], values[:, :, : start + T]
            a = F.scaled_dot_product_attention(q, k, v, is_causal=T > 1, enable_gqa=H != K)
            x = x + self.project(layer, "out", a.transpose(1, 2).reshape(B, T, H * d))
            h = F.rms_norm(x, (s["width"],), layer.second, s["normEpsilon"])
            gate, up = F.linear(h, layer.up).chunk(2, -1)
            x = x + F.linear(F.silu(gate) * up, layer.down)
        return F.rms_norm(x, (s["width"],), self.last, s["normEpsilon"])


def train(model, optimizer, rows, length):
    tokens = torch.randint(2, model.shape["vocabulary"], (rows, length))
    hidden = model(tokens)[:, :-1].reshape(-1, model.shape["width"])
    loss = F.cross_entropy(F.linear(hidden, model.output), tokens[:, 1:].reshape(-1))
    optimizer.zero_grad(set_to_none=True)
    loss.backward()
    torch.nn.utils.clip_grad_norm_(model.parameters(), 1.0)
    optimizer.step()
    return loss.item()


@torch.no_grad()
def rollouts(model, rows, prompt, length):
    s = model.shape
    tokens = torch.randint(2, s["vocabulary"], (rows, prompt))
    size = (rows, s["keyValueHeads"], prompt + length, s["headWidth"])
    cache = [(torch.empty(size), torch.empty(size)) for _ in model.layers]
    step, start = tokens, 0
    for _ in range(length):
        hidden = model(step, start, cache)[:, -1]
        start += step.shape[1]
        logprobs = F.log_softmax(F.linear(hidden, model.output), -1)
        step = torch.multinomial(logprobs.exp(), 1)
        logprobs.gather(1, step)


def main():
    model = optimizer = known = None
    for line in sys.stdin:
        request = json.loads(line)
        torch.set_num_threads(request["threads"])
        if known != (key := json.dumps([request["shape"], request["work"], request.get("rank")])):
            torch.manual_seed(0)
            model = Decoder(request["shape"])
            if request.get("rank"):
                model.adapt(request["rank"])
            trained = [p for p in model.parameters() if p.requires_grad]
            optimizer = torch.optim.AdamW(trained, lr=1e-3, fused=True)
            known = key
        begun = time.perf_counter()
        if request["work"] == "train":
            train(model, optimizer, request["rows"], request["length"])
        else:
            rollouts(model, request["rows"], request["prompt"], request["length"])
        seconds = time.perf_counter() - begun
        memory = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss * 1024
        print(json.dumps({"seconds": seconds, "memory": memory}), flush=True)


if __name__ == "__main__":
    main()
