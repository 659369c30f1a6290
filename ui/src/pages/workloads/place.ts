/** What of the workloads the address names; so that a link, "back" and a reload show the same. Pure. */
export interface Place {
  namespace: string;
  pod?: string;
  deployment?: string;
}

/** Where the application's pods are. */
export const APPLICATION = "msp";
/** Every namespace. */
export const ALL = "all";

export function placeOf(query: string): Place {
  const values = new URLSearchParams(query);
  const place: Place = { namespace: values.get("namespace") || APPLICATION };
  const [pod, deployment] = [values.get("pod"), values.get("deployment")];
  if (pod) return { ...place, pod };
  return deployment ? { ...place, deployment } : place;
}

export function pathOf(place: Place): string {
  const values = new URLSearchParams({ namespace: place.namespace });
  if (place.pod) values.set("pod", place.pod);
  if (place.deployment) values.set("deployment", place.deployment);
  return `/workloads?${values.toString()}`;
}
