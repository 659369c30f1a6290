import { type ClipboardEvent, type KeyboardEvent, useRef } from "react";
import { type Digits, erase, groups, place, TOKEN_DIGITS } from "../../text/digits";
import styles from "./TokenBoxes.module.css";

interface Boxes {
  digits: Digits;
  onChange: (digits: Digits) => void;
  invalid: boolean;
  describedBy?: string | undefined;
}

/** Twenty boxes of one digit, in the groups the console shows. */
export function TokenBoxes({ digits, onChange, invalid, describedBy }: Boxes) {
  const boxes = useRef<(HTMLInputElement | null)[]>([]);
  const change = ({ digits: changed, next }: { digits: Digits; next: number }) => {
    onChange(changed);
    boxes.current[next]?.focus();
    boxes.current[next]?.select();
  };
  const paste = (event: ClipboardEvent, at: number) => {
    event.preventDefault();
    change(place(digits, at, event.clipboardData.getData("text")));
  };
  const key = (event: KeyboardEvent, at: number) => {
    const to: Record<string, number> = { ArrowLeft: at - 1, ArrowRight: at + 1, Home: 0, End: TOKEN_DIGITS - 1 };
    if (event.key === "Backspace") {
      event.preventDefault();
      change(erase(digits, at));
    } else if (event.key in to) {
      event.preventDefault();
      boxes.current[to[event.key] ?? at]?.focus();
    }
  };
  return (
    <div className={styles["boxes"]}>
      {groups(digits.map((digit, at) => ({ digit, at }))).map((group) => (
        <span key={group[0]?.at} className={styles["group"]}>
          {group.map(({ digit, at }) => (
            <input
              key={at}
              ref={(box) => void (boxes.current[at] = box)}
              className={styles["box"]}
              aria-label={`Digit ${at + 1} of ${TOKEN_DIGITS}`}
              aria-invalid={invalid}
              aria-describedby={describedBy}
              data-testid={`digit-${at + 1}`}
              type="text"
              inputMode="numeric"
              autoComplete="off"
              autoFocus={at === 0}
              value={digit}
              onChange={(event) => change(place(digits, at, typed(event.target.value, digit)))}
              onPaste={(event) => paste(event, at)}
              onKeyDown={(event) => key(event, at)}
              onFocus={(event) => event.target.select()}
            />
          ))}
        </span>
      ))}
    </div>
  );
}

/** A digit typed beside the one that is there replaces it. */
function typed(value: string, before: string): string {
  return value.length === 2 && before && value.includes(before) ? value.replace(before, "") : value;
}
