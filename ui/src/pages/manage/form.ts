import { useState } from "react";
import { type ApiFailure, asFailure } from "../../api/failure";

/** A change that is being made: whether it runs, why it was refused, what came of it. */
export interface Change {
  busy: boolean;
  failure: ApiFailure | undefined;
  /** What to tell the operator once it is done. */
  done: string | undefined;
  /** Makes it; resolves to whether it succeeded. */
  run: (change: () => Promise<string>) => Promise<boolean>;
}

export function useChange(): Change {
  const [state, setState] = useState<Omit<Change, "run">>({ busy: false, failure: undefined, done: undefined });
  const run = async (change: () => Promise<string>) => {
    setState({ busy: true, failure: undefined, done: undefined });
    try {
      const done = await change();
      setState({ busy: false, failure: undefined, done });
      return true;
    } catch (thrown) {
      setState({ busy: false, failure: asFailure(thrown), done: undefined });
      return false;
    }
  };
  return { ...state, run };
}

/** The sentence about a field, where the refusal is about it. */
export function about(failure: ApiFailure | undefined, field: string, ...codes: string[]): string | undefined {
  if (!failure) return undefined;
  const isMeant = failure.body["field"] === field || codes.includes(failure.code);
  return failure.fields[field] ?? (isMeant ? failure.sentence : undefined);
}

/** Whether the refusal was said beside its fields already. */
export function isSaid(failure: ApiFailure | undefined, fields: readonly string[], ...codes: string[]): boolean {
  if (!failure) return false;
  return codes.includes(failure.code) || fields.some((field) => about(failure, field) !== undefined);
}
