import { useEffect, useState } from "react";
import { Button } from "@patternfly/react-core/dist/esm/components/Button";
import { SearchInput } from "@patternfly/react-core/dist/esm/components/SearchInput";
import DownloadIcon from "@patternfly/react-icons/dist/esm/icons/download-icon";
import { CopyButton } from "../../components/CopyButton";
import { Failed } from "../../components/ErrorState";
import type { Followed } from "./followed";
import { matches } from "./lines";
import { LogLines } from "./LogLines";
import styles from "./Log.module.css";

/** A log with what one does with it: search, copy, keep. */
export function LogView({ log, name }: { log: Followed; name: string }) {
  const [text, setText] = useState("");
  const [position, setPosition] = useState(0);
  const { held } = log.lines;
  const found = matches(held, text);
  const at = found.length === 0 ? undefined : found[position % found.length];
  useEffect(() => setPosition(0), [text]);
  const go = (by: number) => setPosition((before) => (found.length === 0 ? 0 : (before + by + found.length) % found.length));
  const all = () => `${held.join("\n")}\n`;
  return (
    <>
      <div className={styles["tools"]}>
        <div onKeyDown={(event) => event.key === "Enter" && go(event.shiftKey ? -1 : 1)}>
          <SearchInput
            aria-label="Search the log"
            placeholder="Search"
            value={text}
            onChange={(_, value) => setText(value)}
            onClear={() => setText("")}
            {...(text && { resultsCount: found.length === 0 ? "none" : `${(position % found.length) + 1} of ${found.length}` })}
            onNextClick={() => go(1)}
            onPreviousClick={() => go(-1)}
          />
        </div>
        <CopyButton text={all} label="the log" />
        <Button variant="plain" aria-label="Download the log" icon={<DownloadIcon />} isDisabled={held.length === 0} onClick={() => download(all(), `${name}.log`)} />
      </div>
      {log.failure && <Failed failure={log.failure} onRetry={log.again} />}
      {/* What was read before the connection broke stays. */}
      {(!log.failure || held.length > 0) && <LogLines lines={log.lines} search={text} at={at} label={`Log of ${name}`} empty={EMPTY[log.state]} />}
      <Foot log={log} />
    </>
  );
}

const EMPTY: Record<Followed["state"], string> = {
  loading: "Asking for the log…",
  following: "Nothing was written yet. New lines appear here.",
  still: "Nothing was written.",
  ended: "Nothing was written.",
  failed: "",
};

function Foot({ log }: { log: Followed }) {
  const words: Record<Followed["state"], string> = {
    loading: "",
    following: "Following: new lines appear by themselves.",
    still: "Not following.",
    ended: "The container has ended; nothing more will come.",
    failed: log.failure ? "" : "The connection to the log broke off.",
  };
  const count = log.lines.held.length;
  const gone = log.lines.dropped > 0 || log.isCut ? ", older ones are left out" : "";
  return (
    <p className={styles["foot"]} data-testid="log-state" data-state={log.state}>
      {count} {count === 1 ? "line" : "lines"}
      {gone}. {words[log.state]}{" "}
      {(log.state === "ended" || log.state === "still" || (log.state === "failed" && !log.failure)) && (
        <Button variant="link" isInline onClick={log.again}>
          Read it again
        </Button>
      )}
    </p>
  );
}

function download(text: string, name: string): void {
  const url = URL.createObjectURL(new Blob([text], { type: "text/plain;charset=utf-8" }));
  const link = document.createElement("a");
  link.href = url;
  link.download = name;
  link.click();
  URL.revokeObjectURL(url);
}
