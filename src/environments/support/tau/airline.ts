/** The tools of tau-bench's airline domain, on its database unchanged. */
import type { Json } from "../../environment.js";
import {
  type Arguments,
  type JsonSchema,
  listArgument,
  parameters,
  textArgument,
  type Tool,
  ToolError,
  toolMap,
} from "../tool.js";
import {
  type AirlineDatabase,
  book,
  onDate,
  reservationOf,
  saveReservation,
  searchOneStop,
  sendCertificate,
  updateBaggages,
  updateFlights,
  userOf,
} from "./airline-operations.js";
import { calculate } from "./arithmetic.js";

export type { AirlineDatabase, AirlineTables } from "./airline-operations.js";

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
  answer: (database: AirlineDatabase, args: Arguments) => unknown,
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
    run(database, args) {
      const reservation = reservationOf(database, args);
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
      return saveReservation(database, cancelled);
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
    run: read((database, args) => userOf(database, textArgument(args, "user_id"))),
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
    run: read((database, { origin, destination, date }) =>
      [...database.rows("flights")].flatMap(([, flight]) =>
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
    run(database, args) {
      const reservation = reservationOf(database, args);
      const updated = listArgument<Json>(args, "passengers");
      if (updated.length !== reservation.passengers.length) {
        throw new ToolError("number of passengers does not match");
      }
      return saveReservation(database, { ...reservation, passengers: updated });
    },
  },
];

/** The airline tools by name. */
export const airlineTools: ReadonlyMap<string, Tool<AirlineDatabase>> = toolMap(TOOLS);
