/** `--only a,b` is `--only a --only b`. */
export function names(values: string[] | undefined): string[] | undefined {
  return values?.flatMap((value) => value.split(',')).filter(Boolean);
}
