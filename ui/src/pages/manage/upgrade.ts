/** What an upgrade of the control plane came to, for the operator. */
export interface Told {
  variant: "info" | "success" | "warning" | "danger";
  title: string;
}

/** Nothing where there is nothing to tell: no upgrade yet, or one that found nothing newer. */
export function upgraded(upgrade: { status: string; message: string | null } | undefined): Told | undefined {
  const why = upgrade?.message ? `: ${upgrade.message}` : "";
  switch (upgrade?.status) {
    case "running":
      return { variant: "info", title: `The control plane is being exchanged${why}` };
    case "complete":
      return { variant: "success", title: `The control plane was exchanged${why}` };
    case "held":
      return { variant: "info", title: `The control plane was kept${why}` };
    case "blocked":
      return { variant: "danger", title: `The control plane was not exchanged${why}` };
    default:
      return undefined;
  }
}
