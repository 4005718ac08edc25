/**
 * The tools of tau-bench's airline domain, on its database unchanged.
 *
 * Written after https://github.com/sierra-research/tau-bench (tau_bench/envs/airline/tools, MIT). A
 * refusal changes nothing, also where the original had already changed part of what it was to.
 */
import type { Json } from "../../environment.js";
import type { Database } from "../database.js";
import {
  type Arguments,
  type JsonSchema,
  listArgument,
  numberArgument,
  parameters,
  textArgument,
  type Tool,
  ToolError,
  toolMap,
  type ToolResult,
} from "../tool.js";
import { calculate } from "./arithmetic.js";

type FlightDay = {
  readonly status: string;
  readonly available_seats?: { readonly [cabin: string]: number };
  readonly prices?: { readonly [cabin: string]: number };
};

type Flight = {
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

type Reservation = {
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

type User = {
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

/** City of each airport. */
const AIRPORTS = {
  SFO: "San Francisco",
  JFK: "New York",
  LAX: "Los Angeles",
  ORD: "Chicago",
  DFW: "Dallas",
  DEN: "Denver",
  SEA: "Seattle",
  ATL: "Atlanta",
  MIA: "Miami",
  BOS: "Boston",
  PHX: "Phoenix",
  IAH: "Houston",
  LAS: "Las Vegas",
  MCO: "Orlando",
  EWR: "Newark",
  CLT: "Charlotte",
  MSP: "Minneapolis",
  DTW: "Detroit",
  PHL: "Philadelphia",
  LGA: "LaGuardia",
} as const;

/** When every reservation is made. */
const NOW = "2024-05-15T15:00:00";

/** Ids of the reservations that can be made in one conversation. */
const NEW_RESERVATIONS = ["HATHAT", "HATHAU", "HATHAV"] as const;

/** Ids of the certificates that can be sent in one conversation. */
const NEW_CERTIFICATES = [3221322, 3221323, 3221324] as const;

const text = (description: string): JsonSchema => ({ type: "string", description });
const number = (description: string): JsonSchema => ({ type: "integer", description });
const objects = (
  description: string,
  properties: Readonly<Record<string, JsonSchema>>,
): JsonSchema => ({
  type: "array",
  description,
  items: parameters(properties),
});

const reservation_id = text("The reservation id, such as '8JX2WO'.");
const user_id = text("The user id, such as 'sara_doe_496'.");
const payment_id = text(
  "The payment id stored in the user profile, such as 'credit_card_7815826' or 'gift_card_7815826'.",
);
const cabin: JsonSchema = { type: "string", enum: ["basic_economy", "economy", "business"] };
const flights = objects("All flights of the reservation, also those that stay as they are.", {
  flight_number: text("The flight number, such as 'HAT001'."),
  date: text("The date, such as '2024-05-01'."),
});
const passengers = objects("All passengers.", {
  first_name: text("The first name, such as 'Noah'."),
  last_name: text("The last name, such as 'Brown'."),
  dob: text("The date of birth, such as '1990-01-01'."),
});
const total_baggages = number("The number of all checked bags.");
const nonfree_baggages = number("The number of bags that are paid for.");
const search = parameters({
  origin: text("The airport of departure, such as 'JFK'."),
  destination: text("The airport of arrival, such as 'LAX'."),
  date: text("The date, such as '2024-05-01'."),
});

function read(
  answer: (db: AirlineDatabase, args: Arguments) => unknown,
): Tool<AirlineDatabase>["run"] {
  return (database, args) => ({ database, content: answer(database, args) as Json });
}

const TOOLS: readonly Tool<AirlineDatabase>[] = [
  {
    name: "book_reservation",
    kind: "write",
    description: "Book a reservation.",
    parameters: parameters({
      user_id,
      origin: text("The airport of departure, such as 'SFO'."),
      destination: text("The airport of arrival, such as 'JFK'."),
      flight_type: { type: "string", enum: ["one_way", "round_trip"] },
      cabin,
      flights,
      passengers,
      payment_methods: objects("How it is paid for.", {
        payment_id,
        amount: { type: "number", description: "The amount to be paid." },
      }),
      total_baggages,
      nonfree_baggages,
      insurance: { type: "string", enum: ["yes", "no"] },
    }),
    run: book,
  },
  {
    name: "calculate",
    kind: "generic",
    description: "Calculate the result of a mathematical expression.",
    parameters: parameters({ expression: text("The expression, such as '2 + 2'.") }),
    run: read((_, args) => String(calculate(textArgument(args, "expression")))),
  },
  {
    name: "cancel_reservation",
    kind: "write",
    description: "Cancel the whole reservation.",
    parameters: parameters({ reservation_id }),
    run(db, args) {
      const reservation = reservationOf(db, args);
      const history = reservation.payment_history;
      const refunds = history.map((each) => ({
        payment_id: each.payment_id,
        amount: -each.amount,
      }));
      const cancelled = {
        ...reservation,
        payment_history: [...history, ...refunds],
        status: "cancelled",
      };
      return saveReservation(db, cancelled);
    },
  },
  {
    name: "get_reservation_details",
    kind: "read",
    description: "Get the details of a reservation.",
    parameters: parameters({ reservation_id }),
    run: read(reservationOf),
  },
  {
    name: "get_user_details",
    kind: "read",
    description: "Get the details of a user, including their reservations.",
    parameters: parameters({ user_id }),
    run: read((db, args) => userOf(db, textArgument(args, "user_id"))),
  },
  {
    name: "list_all_airports",
    kind: "read",
    description: "List all airports and their cities.",
    parameters: parameters({}),
    run: read(() => AIRPORTS),
  },
  {
    name: "search_direct_flight",
    kind: "read",
    description: "Search direct flights between two cities on a date.",
    parameters: search,
    run: read((db, { origin, destination, date }) =>
      [...db.rows("flights")].flatMap(([, flight]) =>
        flight.origin === origin && flight.destination === destination
          ? onDate(flight, date as string)
          : [],
      ),
    ),
  },
  {
    name: "search_onestop_flight",
    kind: "read",
    description: "Search flights with one stop between two cities on a date.",
    parameters: search,
    run: read(searchOneStop),
  },
  {
    name: "send_certificate",
    kind: "write",
    description: "Send a certificate to a user. Be careful!",
    parameters: parameters({ user_id, amount: { type: "number", description: "The amount." } }),
    run: sendCertificate,
  },
  {
    name: "think",
    kind: "generic",
    description: "Think about something. It changes nothing.",
    parameters: parameters({ thought: text("A thought to think about.") }),
    run: read(() => ""),
  },
  {
    name: "transfer_to_human_agents",
    kind: "generic",
    description:
      "Transfer the user to a human agent, if they ask for one or the tools cannot serve them.",
    parameters: parameters({ summary: text("A summary of the user's issue.") }),
    run: read(() => "Transfer successful"),
  },
  {
    name: "update_reservation_baggages",
    kind: "write",
    description: "Update the baggage information of a reservation.",
    parameters: parameters({ reservation_id, total_baggages, nonfree_baggages, payment_id }),
    run: updateBaggages,
  },
  {
    name: "update_reservation_flights",
    kind: "write",
    description: "Update the flights and cabin of a reservation.",
    parameters: parameters({ reservation_id, cabin, flights, payment_id }),
    run: updateFlights,
  },
  {
    name: "update_reservation_passengers",
    kind: "write",
    description: "Update the passengers of a reservation.",
    parameters: parameters({ reservation_id, passengers }),
    run(db, args) {
      const reservation = reservationOf(db, args);
      const updated = listArgument<Json>(args, "passengers");
      if (updated.length !== reservation.passengers.length) {
        throw new ToolError("number of passengers does not match");
      }
      return saveReservation(db, { ...reservation, passengers: updated });
    },
  },
];

/** The airline tools by name. */
export const airlineTools: ReadonlyMap<string, Tool<AirlineDatabase>> = toolMap(TOOLS);

type Result = ToolResult<AirlineDatabase>;

function book(db: AirlineDatabase, args: Arguments): Result {
  const userId = textArgument(args, "user_id");
  const user = userOf(db, userId);
  const travellers = listArgument<Json>(args, "passengers");
  const payments = listArgument<Payment>(args, "payment_methods");
  const seats = textArgument(args, "cabin");
  const booked = listArgument<Segment>(args, "flights").map((each) => ({
    ...each,
    ...available(db, each, seats, travellers.length),
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
    NEW_RESERVATIONS.find((each) => db.get("reservations", each) === undefined) ?? "HATHAV";
  const { payment_methods, ...rest } = args;
  const reservation = {
    ...rest,
    reservation_id: id,
    flights: booked,
    payment_history: payment_methods,
    created_at: NOW,
  } as unknown as Reservation;
  const customer = { ...user, payment_methods: methods, reservations: [...user.reservations, id] };
  return saveReservation(db.with("users", userId, customer), reservation);
}

function updateBaggages(db: AirlineDatabase, args: Arguments): Result {
  const reservation = reservationOf(db, args);
  const nonfree = numberArgument(args, "nonfree_baggages");
  const price = 50 * Math.max(0, nonfree - reservation.nonfree_baggages);
  const after = charge(db, reservation, textArgument(args, "payment_id"), price);
  return saveReservation(after, {
    ...paidBy(reservation, args, price),
    total_baggages: numberArgument(args, "total_baggages"),
    nonfree_baggages: nonfree,
  });
}

function updateFlights(db: AirlineDatabase, args: Arguments): Result {
  const reservation = reservationOf(db, args);
  const seats = textArgument(args, "cabin");
  const count = reservation.passengers.length;
  const updated = listArgument<Segment>(args, "flights").map((each): Segment => {
    const kept = reservation.flights.find(
      (old) => old.flight_number === each.flight_number && old.date === each.date,
    );
    if (kept === undefined || seats !== reservation.cabin) {
      return { ...each, ...available(db, each, seats, count) };
    }
    const { price, origin, destination } = kept;
    return { ...each, price, origin, destination };
  });
  const total = (segments: readonly Segment[]): number =>
    segments.reduce((sum, { price }) => sum + price, 0) * count;
  const price = total(updated) - total(reservation.flights);
  const after = charge(db, reservation, textArgument(args, "payment_id"), price);
  // As in tau-bench, the cabin on record stays what it was.
  return saveReservation(after, { ...paidBy(reservation, args, price), flights: updated });
}

function sendCertificate(db: AirlineDatabase, args: Arguments): Result {
  const userId = textArgument(args, "user_id");
  const amount = args["amount"]!;
  const user = userOf(db, userId);
  const id = NEW_CERTIFICATES.map((each) => `certificate_${each}`).find(
    (each) => !Object.hasOwn(user.payment_methods, each),
  );
  if (id === undefined) throw new ToolError("no more certificates can be sent");
  const certificate = { source: "certificate", amount, id } as PaymentMethod;
  const payment_methods = { ...user.payment_methods, [id]: certificate };
  return {
    database: db.with("users", userId, { ...user, payment_methods }),
    content: `Certificate ${id} added to user ${userId} with amount ${JSON.stringify(amount)}.`,
  };
}

function searchOneStop(db: AirlineDatabase, args: Arguments): unknown {
  const date = textArgument(args, "date");
  const all = [...db.rows("flights")].map(([, flight]) => flight);
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
function onDate({ dates, ...flight }: Flight, date: string): object[] {
  const day = Object.hasOwn(dates, date) ? dates[date] : undefined;
  return day?.status === "available" ? [{ ...flight, ...day }] : [];
}

/** Price and airports of a flight that has `count` seats left in a cabin. */
function available(
  db: AirlineDatabase,
  { flight_number: flightNumber, date }: Segment,
  seats: string,
  count: number,
): Pick<Segment, "price" | "origin" | "destination"> {
  const flight = db.get("flights", flightNumber);
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
  db: AirlineDatabase,
  { user_id: userId }: Reservation,
  method: string,
  price: number,
): AirlineDatabase {
  const user = userOf(db, userId);
  const known = Object.hasOwn(user.payment_methods, method)
    ? user.payment_methods[method]
    : undefined;
  if (known === undefined) throw new ToolError("payment method not found");
  if (known.source === "certificate") {
    throw new ToolError("certificate cannot be used to update reservation");
  }
  if (known.source !== "gift_card") return db;
  if (known.amount! < price) throw new ToolError("gift card balance is not enough");
  const payment_methods = {
    ...user.payment_methods,
    [method]: { ...known, amount: known.amount! - price },
  };
  return db.with("users", userId, { ...user, payment_methods });
}

function paidBy(reservation: Reservation, args: Arguments, amount: number): Reservation {
  if (amount === 0) return reservation;
  const payment = { payment_id: textArgument(args, "payment_id"), amount };
  return { ...reservation, payment_history: [...reservation.payment_history, payment] };
}

function userOf(db: AirlineDatabase, key: string): User {
  const user = db.get("users", key);
  if (user === undefined) throw new ToolError("user not found");
  return user;
}

function reservationOf(db: AirlineDatabase, args: Arguments): Reservation {
  const reservation = db.get("reservations", textArgument(args, "reservation_id"));
  if (reservation === undefined) throw new ToolError("reservation not found");
  return reservation;
}

function saveReservation(db: AirlineDatabase, reservation: Reservation): Result {
  const { reservation_id: key } = reservation;
  return { database: db.with("reservations", key, reservation), content: reservation };
}
