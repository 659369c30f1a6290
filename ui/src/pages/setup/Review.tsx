import type { ReactNode } from "react";
import { DescriptionList, DescriptionListDescription, DescriptionListGroup, DescriptionListTerm } from "@patternfly/react-core/dist/esm/components/DescriptionList";
import type { ReleaseCheck } from "../../api/setup";
import type { Answers } from "./answers";

/** The answers once more, as they will be used. No secret is shown. */
export function Review({ answers, release }: { answers: Answers; release: ReleaseCheck | null | undefined }) {
  return (
    <DescriptionList isHorizontal isCompact horizontalTermWidthModifier={{ default: "9rem", md: "15rem" }} data-testid="review">
      <Line term="Release">
        {answers.releaseRef.trim() || `the newest of ${answers.channel}`}
        {release?.version && `: ${release.version}`}
      </Line>
      <Line term="Licence">{licence(answers)}</Line>
      <Line term="Company">{answers.tenantName}</Line>
      <Line term="Administrator">
        {answers.adminFirstName} {answers.adminLastName}, {answers.adminEmail}
      </Line>
      <Line term="Address of the application">{answers.appHostname}</Line>
      <Line term="DNS servers">{answers.dnsMode === "custom" ? answers.dnsServers : "those of this box"}</Line>
    </DescriptionList>
  );
}

function licence(answers: Answers): string {
  if (answers.licenseMode === "code") return `install code ending in ${answers.installCode.replaceAll(/[\s-]/g, "").slice(-2).toUpperCase()}`;
  const edition = answers.editionChoice === "ce" ? "Community" : "Enterprise";
  return answers.licenseKey.trim() ? `${edition}, with a licence key` : `${edition}, without a licence key for now`;
}

function Line({ term, children }: { term: string; children: ReactNode }) {
  return (
    <DescriptionListGroup>
      <DescriptionListTerm>{term}</DescriptionListTerm>
      <DescriptionListDescription>{children}</DescriptionListDescription>
    </DescriptionListGroup>
  );
}
