const units: [name: string, seconds: number][] = [
  ["day", 86_400],
  ["hour", 3_600],
  ["minute", 60],
  ["second", 1],
];

/** A length of time in its largest unit, with one digit where it is less than ten of it: "1.9 days". */
export function duration(seconds: number): string {
  const [name, length] = units.find(([, s]) => seconds >= s) ?? ["second", 1];
  const n = seconds / length;
  const text = n < 10 && name !== "second" ? (Math.round(n * 10) / 10).toString() : Math.round(n).toLocaleString("en");
  return `${text} ${name}${text === "1" ? "" : "s"}`;
}
