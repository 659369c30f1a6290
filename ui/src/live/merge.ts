import { isRecord } from "../api/failure";
import type { StatusDocument } from "../api/status";

/**
 * The document after one event of `/api/status/stream`. An unchanged document is the same object, and so
 * is each unchanged key, so that pages only draw what changed. Nothing to build on is `undefined`.
 */
export function merge(document: StatusDocument | undefined, event: string, data: unknown): StatusDocument | undefined {
  if (!isRecord(data)) return document;
  switch (event) {
    case "snapshot":
      return data as StatusDocument;
    case "change":
      return document && changed(document, data);
    default:
      return document;
  }
}

function changed(document: StatusDocument, data: Record<string, unknown>): StatusDocument {
  const set = isRecord(data["set"]) ? data["set"] : {};
  const removed = Array.isArray(data["removed"]) ? data["removed"].filter((key) => typeof key === "string") : [];
  if (Object.keys(set).length === 0 && removed.length === 0) return document;
  const next: StatusDocument = { ...document, ...set };
  for (const key of removed) delete next[key];
  return next;
}
