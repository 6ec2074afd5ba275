/** A value as conditions take it: in double quotes, with the escapes of Go, which JSON's are part of. */
export function quote(value: string): string {
  return JSON.stringify(value.toWellFormed());
}
