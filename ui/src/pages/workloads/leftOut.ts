import type { LeftOut } from "../../api/workloads";

/** What of a list cannot be read, in a sentence; nothing when the list is whole. */
export function leftOutWords({ count, objects }: LeftOut): string | undefined {
  if (count === 0) return undefined;
  const named = objects.map(({ kind, namespace, name }) => [kind, namespace ? `${namespace}/${name}` : name].filter(Boolean).join(" "));
  if (count > named.length) named.push(`${count - named.length} more`);
  const subject = count === 1 ? "One object is not shown, because this version cannot read it" : `${count} objects are not shown, because this version cannot read them`;
  return `${subject}: ${named.join(", ")}.`;
}
