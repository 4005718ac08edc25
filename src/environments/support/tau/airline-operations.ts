/**
 * What the tools of tau-bench's airline domain do to its database, written after
 * https://github.com/sierra-research/tau-bench (tau_bench/envs/airline/tools, MIT). A refusal changes
 * nothing, also where the original had already changed part of what it was to.
 */
import type { Json } from "../../environment.js";
import type { Database } from "../database.js";
import {
  type Arguments,
  listArgument,
  numberArgument,
  textArgument,
  ToolError,
  type ToolResult,
} from "../tool.js";

type FlightDay = {
  readonly status: string;
  readonly available_seats?: { readonly [cabin: string]: number };
  readonly prices?: { readonly [cabin: string]: number };
};

/** A flight with what is true of it on each day. */
export type Flight = {
  readonly flight_number: string;
  readonly origin: string;
  readonly destination: string;
  readonly scheduled_departure_time_est: string;
  readonly scheduled_arrival_time_est: string;
  readonly dates: { readonly [date: string]: FlightDay };
};

type Segment = {
  readonly flight_number: string;
  readonly date: string;
  readonly price: number;
  readonly origin: string;
  readonly destination: string;
};

type Payment = { readonly payment_id: string; readonly amount: number };

/** A reservation. */
export type Reservation = {
  readonly reservation_id: string;
  readonly user_id: string;
  readonly cabin: string;
  readonly flights: readonly Segment[];
  readonly passengers: readonly Json[];
  readonly payment_history: readonly Payment[];
  readonly total_baggages: number;
  readonly nonfree_baggages: number;
};

type PaymentMethod = { readonly source: string; readonly id: string; readonly amount?: number };

/** A user. */
export type User = {
  readonly payment_methods: { readonly [id: string]: PaymentMethod };
  readonly reservations: readonly string[];
};

/** The row type of each table. */
export type AirlineTables = {
  readonly flights: Flight;
  readonly reservations: Reservation;
  readonly users: User;
};

/** The database of the airline domain. */
export type AirlineDatabase = Database<AirlineTables>;

/** When every reservation is made. */
const NOW = "2024-05-15T15:00:00";

/** Ids of the reservations that can be made in one conversation. */
const NEW_RESERVATIONS = ["HATHAT", "HATHAU", "HATHAV"] as const;

/** Ids of the certificates that can be sent in one conversation. */
const NEW_CERTIFICATES = [3221322, 3221323, 3221324] as const;

type Result = ToolResult<AirlineDatabase>;

/**
 * Books a reservation that is paid for exactly.
 * @throws ToolError when it refuses.
 */
export function book(database: AirlineDatabase, args: Arguments): Result {
  const userId = textArgument(args, "user_id");
  const user = userOf(database, userId);
  const travellers = listArgument<Json>(args, "passengers");
  const payments = listArgument<Payment>(args, "payment_methods");
  const seats = textArgument(args, "cabin");
  const booked = listArgument<Segment>(args, "flights").map((each) => ({
    ...each,
    ...available(database, each, seats, travellers.length),
  }));
  const insurance = args["insurance"] === "yes" ? 30 * travellers.length : 0;
  const price =
    booked.reduce((sum, each) => sum + each.price * travellers.length, 0) +
    insurance +
    50 * numberArgument(args, "nonfree_baggages");

  const methods: Record<string, PaymentMethod> = { ...user.payment_methods };
  for (const { payment_id: method, amount } of payments) {
    const known = Object.hasOwn(user.payment_methods, method)
      ? user.payment_methods[method]
      : undefined;
    if (known === undefined) throw new ToolError(`payment method ${method} not found`);
    const limited = known.source === "gift_card" || known.source === "certificate";
    if (limited && known.amount! < amount) {
      throw new ToolError(`not enough balance in payment method ${method}`);
    }
  }
  const paid = payments.reduce((sum, { amount }) => sum + amount, 0);
  if (paid !== price) {
    throw new ToolError(
      `payment amount does not add up, total price is ${price}, but paid ${paid}`,
    );
  }
  for (const { payment_id: method, amount } of payments) {
    const known = methods[method];
    if (known === undefined) throw new ToolError(`payment method ${method} was used up`);
    if (known.source === "gift_card")
      methods[method] = { ...known, amount: known.amount! - amount };
    else if (known.source === "certificate") delete methods[method];
  }

  const id =
    NEW_RESERVATIONS.find((each) => database.get("reservations", each) === undefined) ?? "HATHAV";
  const { payment_methods, ...rest } = args;
  const reservation = {
    ...rest,
    reservation_id: id,
    flights: booked,
    payment_history: payment_methods,
    created_at: NOW,
  } as unknown as Reservation;
  const customer = { ...user, payment_methods: methods, reservations: [...user.reservations, id] };
  return saveReservation(database.with("users", userId, customer), reservation);
}

/**
 * Changes the bags of a reservation.
 * @throws ToolError when it refuses.
 */
export function updateBaggages(database: AirlineDatabase, args: Arguments): Result {
  const reservation = reservationOf(database, args);
  const nonfree = numberArgument(args, "nonfree_baggages");
  const price = 50 * Math.max(0, nonfree - reservation.nonfree_baggages);
  const after = charge(database, reservation, textArgument(args, "payment_id"), price);
  return saveReservation(after, {
    ...paidBy(reservation, args, price),
    total_baggages: numberArgument(args, "total_baggages"),
    nonfree_baggages: nonfree,
  });
}

/**
 * Changes the flights of a reservation.
 * @throws ToolError when it refuses.
 */
export function updateFlights(database: AirlineDatabase, args: Arguments): Result {
  const reservation = reservationOf(database, args);
  const seats = textArgument(args, "cabin");
  const count = reservation.passengers.length;
  const updated = listArgument<Segment>(args, "flights").map((each): Segment => {
    const kept = reservation.flights.find(
      (old) => old.flight_number === each.flight_number && old.date === each.date,
    );
    if (kept === undefined || seats !== reservation.cabin) {
      return { ...each, ...available(database, each, seats, count) };
    }
    const { price, origin, destination } = kept;
    return { ...each, price, origin, destination };
  });
  const total = (segments: readonly Segment[]): number =>
    segments.reduce((sum, { price }) => sum + price, 0) * count;
  const price = total(updated) - total(reservation.flights);
  const after = charge(database, reservation, textArgument(args, "payment_id"), price);
  // As in tau-bench, the cabin on record stays what it was.
  return saveReservation(after, { ...paidBy(reservation, args, price), flights: updated });
}

/**
 * Gives a user a certificate.
 * @throws ToolError when it refuses.
 */
export function sendCertificate(database: AirlineDatabase, args: Arguments): Result {
  const userId = textArgument(args, "user_id");
  const amount = args["amount"]!;
  const user = userOf(database, userId);
  const id = NEW_CERTIFICATES.map((each) => `certificate_${each}`).find(
    (each) => !Object.hasOwn(user.payment_methods, each),
  );
  if (id === undefined) throw new ToolError("no more certificates can be sent");
  const certificate = { source: "certificate", amount, id } as PaymentMethod;
  const payment_methods = { ...user.payment_methods, [id]: certificate };
  return {
    database: database.with("users", userId, { ...user, payment_methods }),
    content: `Certificate ${id} added to user ${userId} with amount ${JSON.stringify(amount)}.`,
  };
}

/**
 * Pairs of flights with one stop that can be booked on a date.
 * @throws ToolError when it refuses.
 */
export function searchOneStop(database: AirlineDatabase, args: Arguments): unknown {
  const date = textArgument(args, "date");
  const all = [...database.rows("flights")].map(([, flight]) => flight);
  return all
    .filter(({ origin }) => origin === args["origin"])
    .flatMap((first) => {
      const overnight = first.scheduled_arrival_time_est.includes("+1");
      const second = overnight ? `2024-05-${Number(date.slice(-2)) + 1}` : date;
      return all
        .filter(
          (next) =>
            next.destination === args["destination"] &&
            next.origin === first.destination &&
            first.scheduled_arrival_time_est <= next.scheduled_departure_time_est,
        )
        .flatMap((next) =>
          onDate(first, date).flatMap((a) =>
            onDate(next, second).map((b) => [
              { ...a, date },
              { ...b, date: second },
            ]),
          ),
        );
    });
}

/** A flight with what is true of it on a date: one, or none where it cannot be booked. */
export function onDate({ dates, ...flight }: Flight, date: string): object[] {
  const day = Object.hasOwn(dates, date) ? dates[date] : undefined;
  return day?.status === "available" ? [{ ...flight, ...day }] : [];
}

/** Price and airports of a flight that has `count` seats left in a cabin. */
function available(
  database: AirlineDatabase,
  { flight_number: flightNumber, date }: Segment,
  seats: string,
  count: number,
): Pick<Segment, "price" | "origin" | "destination"> {
  const flight = database.get("flights", flightNumber);
  if (flight === undefined) throw new ToolError(`flight ${flightNumber} not found`);
  const day = Object.hasOwn(flight.dates, date) ? flight.dates[date] : undefined;
  if (day === undefined) throw new ToolError(`flight ${flightNumber} not found on date ${date}`);
  if (day.status !== "available") {
    throw new ToolError(`flight ${flightNumber} not available on date ${date}`);
  }
  const left = day.available_seats?.[seats];
  const price = day.prices?.[seats];
  if (left === undefined || price === undefined) throw new ToolError(`there is no cabin ${seats}`);
  if (left < count) throw new ToolError(`not enough seats on flight ${flightNumber}`);
  return { price, origin: flight.origin, destination: flight.destination };
}

/** The database once `price` is taken from a payment method of the reservation's user. */
function charge(
  database: AirlineDatabase,
  { user_id: userId }: Reservation,
  method: string,
  price: number,
): AirlineDatabase {
  const user = userOf(database, userId);
  const known = Object.hasOwn(user.payment_methods, method)
    ? user.payment_methods[method]
    : undefined;
  if (known === undefined) throw new ToolError("payment method not found");
  if (known.source === "certificate") {
    throw new ToolError("certificate cannot be used to update reservation");
  }
  if (known.source !== "gift_card") return database;
  if (known.amount! < price) throw new ToolError("gift card balance is not enough");
  const payment_methods = {
    ...user.payment_methods,
    [method]: { ...known, amount: known.amount! - price },
  };
  return database.with("users", userId, { ...user, payment_methods });
}

function paidBy(reservation: Reservation, args: Arguments, amount: number): Reservation {
  if (amount === 0) return reservation;
  const payment = { payment_id: textArgument(args, "payment_id"), amount };
  return { ...reservation, payment_history: [...reservation.payment_history, payment] };
}

/**
 * The user of an id.
 * @throws ToolError when it refuses.
 */
export function userOf(database: AirlineDatabase, key: string): User {
  const user = database.get("users", key);
  if (user === undefined) throw new ToolError("user not found");
  return user;
}

/**
 * The reservation that a call names.
 * @throws ToolError when it refuses.
 */
export function reservationOf(database: AirlineDatabase, args: Arguments): Reservation {
  const reservation = database.get("reservations", textArgument(args, "reservation_id"));
  if (reservation === undefined) throw new ToolError("reservation not found");
  return reservation;
}

/**
 * The result of a tool that leaves a reservation so.
 * @throws ToolError when it refuses.
 */
export function saveReservation(database: AirlineDatabase, reservation: Reservation): Result {
  const { reservation_id: key } = reservation;
  return { database: database.with("reservations", key, reservation), content: reservation };
}
