/** The style sheet of a report: light and dark, narrow and wide. */
export const style: string = `
:root {
  --page: #fcfcfb; --text: #1c1d1f; --muted: #5d6066; --rule: #dcdcd8; --grid: #ecece8; --code: #f1f1ee;
  --s0: #0b6e4f; --s1: #3565c9; --s2: #b5531c; --s3: #b3263a; --s4: #7440a8; --s5: #9c2f86; --s6: #0f7285; --s7: #77736a;
}
@media (prefers-color-scheme: dark) {
  :root {
    --page: #15171a; --text: #e6e6e3; --muted: #a1a5ab; --rule: #34383e; --grid: #25292e; --code: #1f2327;
    --s0: #4cc79b; --s1: #7ea6f7; --s2: #f0955c; --s3: #f2808e; --s4: #c19bea; --s5: #e78bd3; --s6: #5fc6d8; --s7: #b3aea3;
  }
}
* { box-sizing: border-box; }
body { margin: 0; background: var(--page); color: var(--text); font: 16px/1.5 system-ui, sans-serif; }
main { max-width: 66rem; margin: 0 auto; padding: 1rem; }
h1 { font-size: 1.6rem; margin: 1rem 0 .25rem; } h2 { font-size: 1.2rem; margin: 2.5rem 0 .5rem; border-bottom: 1px solid var(--rule); padding-bottom: .25rem; }
h3, figcaption { font-size: 1rem; font-weight: 600; margin: 1rem 0 .5rem; }
figure { margin: 1rem 0; } .lead { font-size: 1.1rem; } figcaption small { display: block; font-weight: 400; color: var(--muted); font-size: .8125rem; line-height: 1.35; min-height: 2.2rem; }
.muted { color: var(--muted); font-size: .875rem; }
.visually-hidden { position: absolute; width: 1px; height: 1px; overflow: hidden; clip-path: inset(50%); margin: 0; }
svg { display: block; width: 100%; overflow: visible; }
.plot { display: grid; grid-template-columns: 2.75rem 1fr; padding-right: 1rem; }
.plot > svg { height: 17rem; border-bottom: 1px solid var(--rule); overflow: hidden; }
.y-axis, .x-axis { position: relative; font-size: .75rem; color: var(--muted); }
.y-axis span { position: absolute; right: .4rem; transform: translateY(-50%); }
.x-axis { height: 1.25rem; grid-column: 2; } .x-axis span { position: absolute; top: .15rem; transform: translateX(-50%); }
.labels { grid-column: 2; display: flex; flex-wrap: wrap; justify-content: space-between; gap: 0 1rem; font-size: .75rem; color: var(--muted); }
.labels .muted { font-size: inherit; }
.small-charts { display: grid; grid-template-columns: repeat(auto-fill, minmax(15rem, 1fr)); gap: .5rem 1rem; }
.small-charts .plot > svg { height: 9rem; } .small-charts figure { margin: 0; display: flex; flex-direction: column; } .small-charts .plot { margin-top: auto; }
line, polyline { vector-effect: non-scaling-stroke; fill: none; }
.grid { stroke: var(--grid); } .reference { stroke: var(--muted); stroke-width: 1; } .plot .reference { stroke-dasharray: 5 4; }
.target { stroke: var(--text); stroke-width: 2; stroke-dasharray: 2 3; }
.line { stroke-width: 2; stroke-linejoin: round; } .dashed { stroke-dasharray: 6 4; }
.band { stroke: none; opacity: .16; }
.interval { stroke-width: 3; } .estimate { stroke-width: 10; stroke-linecap: round; }
${Array.from({ length: 8 }, (_, i) => `.line.series-${i}, .interval.series-${i}, .estimate.series-${i} { stroke: var(--s${i}); } .band.series-${i} { fill: var(--s${i}); } .swatch.series-${i} { background: var(--s${i}); }`).join("\n")}
.legend { list-style: none; display: flex; flex-wrap: wrap; gap: .25rem 1rem; padding: 0; margin: .5rem 0; font-size: .875rem; }
.swatch { display: inline-block; width: .8rem; height: .8rem; border-radius: 2px; margin-right: .4rem; }
.forest-row { display: grid; grid-template-columns: minmax(10rem, 20rem) 1fr minmax(12rem, 17rem); gap: 0 1rem; align-items: center; padding: .2rem 0; border-top: 1px solid var(--grid); font-size: .875rem; }
.forest-row svg { height: 1.4rem; overflow: hidden; } .forest-text { font-variant-numeric: tabular-nums; }
.forest-row.axis { border-top: 1px solid var(--rule); } .forest-row .x-axis { grid-column: auto; }
@media (max-width: 44rem) {
  .forest-row { grid-template-columns: 1fr; } .forest-row.axis .forest-text { display: none; }
  dl { grid-template-columns: 1fr; } dd { margin-bottom: .4rem; }
  .forest-label { font-weight: 600; } .forest-row.axis .forest-label { order: 1; font-weight: 400; }
}
.scroll { overflow-x: auto; } table { border-collapse: collapse; font-size: .8125rem; font-variant-numeric: tabular-nums; }
th, td { text-align: left; padding: .3rem .6rem; border-bottom: 1px solid var(--grid); vertical-align: top; } thead th { border-bottom-color: var(--rule); } th { font-weight: 600; }
tbody th { max-width: 30rem; min-width: 8rem; } .short { white-space: nowrap; } .prose { min-width: 13rem; }
details { margin: .75rem 0; } summary { cursor: pointer; color: var(--muted); font-size: .875rem; }
dl { display: grid; grid-template-columns: minmax(6rem, 14rem) 1fr; gap: .2rem 1rem; font-size: .875rem; } dt { font-weight: 600; overflow-wrap: anywhere; } dd { margin: 0; overflow-wrap: anywhere; }
pre { background: var(--code); padding: .75rem; overflow-x: auto; border-radius: 4px; } code { font: .8125rem/1.4 ui-monospace, monospace; }
`;
