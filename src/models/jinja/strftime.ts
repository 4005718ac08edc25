/** Dates as Python's `strftime` writes them in the C locale. */
import { notComputed } from "./values.js";

const days = ["Sunday", "Monday", "Tuesday", "Wednesday", "Thursday", "Friday", "Saturday"];
const months =
  "January February March April May June July August September October November December".split(
    " ",
  );

/**
 * The day `date` (`YYYY-MM-DD`) in `format`; of the time it is midnight.
 * @throws NotComputed for a directive that is not one of %Y %y %m %d %e %B %b %A %a %j %H %M %S %F %%.
 */
export function strftime(date: string, format: string): string {
  const day = new Date(`${date}T00:00:00Z`);
  const [year, month, number] = date.split("-") as [string, string, string];
  const [monthName, dayName] = [months[day.getUTCMonth()]!, days[day.getUTCDay()]!];
  const ordinal = 1 + (day.getTime() - Date.UTC(day.getUTCFullYear(), 0, 1)) / 86_400_000;
  const directives: Readonly<Record<string, string>> = {
    Y: year,
    y: year.slice(2),
    m: month,
    d: number,
    e: String(Number(number)).padStart(2, " "),
    B: monthName,
    b: monthName.slice(0, 3),
    A: dayName,
    a: dayName.slice(0, 3),
    j: String(ordinal).padStart(3, "0"),
    H: "00",
    M: "00",
    S: "00",
    F: date,
    "%": "%",
  };
  return format.replaceAll(
    /%(.?)/gsu,
    (whole, directive: string) => directives[directive] ?? notComputed(`${whole} in strftime_now`),
  );
}
