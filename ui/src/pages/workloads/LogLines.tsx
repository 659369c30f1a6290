import { type RefObject, useEffect, useLayoutEffect, useMemo, useRef, useState } from "react";
import { Button } from "@patternfly/react-core/dist/esm/components/Button";
import { cut, type Lines } from "./lines";
import { isAtEnd, visible } from "./window";
import styles from "./Log.module.css";

/** Height of a line, in pixels; kept in step with `Log.module.css`. */
const ROW = 20;
/** A longer line is shown cut; copies and downloads have all of it. */
const LONGEST = 2000;

interface LogLinesProps {
  lines: Lines;
  search: string;
  /** The line to bring into sight. */
  at: number | undefined;
  label: string;
  /** What stands where there is no line. */
  empty: string;
}

/** Only the lines in sight are drawn, so that ten thousand scroll like ten. The end is followed until one scrolls up. */
export function LogLines({ lines, search, at, label, empty }: LogLinesProps) {
  const box = useRef<HTMLDivElement>(null);
  const [view, setView] = useState({ top: 0, height: 400 });
  const [pinned, setPinned] = useState(true);
  const { held, dropped } = lines;
  useLayoutEffect(() => {
    if (pinned && box.current) box.current.scrollTop = box.current.scrollHeight;
  }, [held, pinned]);
  useStaysPut(box, dropped, pinned);
  useEffect(() => {
    if (at === undefined || !box.current) return;
    setPinned(false);
    box.current.scrollTop = at * ROW - box.current.clientHeight / 2;
  }, [at, search]);
  useEffect(() => {
    const element = box.current;
    if (!element) return;
    const observer = new ResizeObserver(() => setView((before) => ({ ...before, height: element.clientHeight })));
    observer.observe(element);
    return () => observer.disconnect();
  }, []);
  const scrolled = () => {
    if (!box.current) return;
    const { scrollTop, clientHeight, scrollHeight } = box.current;
    setView({ top: scrollTop, height: clientHeight });
    setPinned(isAtEnd(scrollTop, clientHeight, scrollHeight));
  };
  const width = useMemo(() => Math.min(LONGEST, held.reduce((most, line) => Math.max(most, line.length), 0)), [held]);
  const { from, to } = visible(view.top, view.height, ROW, held.length);
  return (
    <div className={styles["frame"]}>
      <div ref={box} className={styles["box"]} onScroll={scrolled} tabIndex={0} role="region" aria-label={label} data-testid="log-lines">
        {held.length === 0 && <div className={styles["empty"]}>{empty}</div>}
        <div className={styles["all"]} style={{ blockSize: held.length * ROW, inlineSize: `max(100%, ${width + 2}ch)` }}>
          <div className={styles["slice"]} style={{ transform: `translateY(${from * ROW}px)` }}>
            {held.slice(from, to).map((line, offset) => (
              <Line key={dropped + from + offset} line={line} search={search} isAt={from + offset === at} />
            ))}
          </div>
        </div>
      </div>
      {!pinned && held.length > 0 && (
        <Button variant="secondary" className={styles["toEnd"]} onClick={() => setPinned(true)}>
          Go to the newest line
        </Button>
      )}
    </div>
  );
}

/** Lines that are let go at the beginning do not move what one reads. */
function useStaysPut(box: RefObject<HTMLDivElement | null>, dropped: number, pinned: boolean): void {
  const before = useRef(dropped);
  useLayoutEffect(() => {
    const gone = dropped - before.current;
    before.current = dropped;
    if (!pinned && gone > 0 && box.current) box.current.scrollTop -= gone * ROW;
  }, [box, dropped, pinned]);
}

function Line({ line, search, isAt }: { line: string; search: string; isAt: boolean }) {
  const shown = line.length > LONGEST ? `${line.slice(0, LONGEST)}…` : line;
  return (
    <div className={styles["line"]} data-at={isAt || undefined}>
      {search ? cut(shown, search).map((piece, position) => (position % 2 === 1 ? <mark key={position}>{piece}</mark> : piece)) : shown}
    </div>
  );
}
