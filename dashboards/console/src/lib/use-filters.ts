import { useCallback, useMemo } from "react";
import { useSearchParams } from "react-router";
import {
  encodeFilters,
  type FilterKey,
  filterKeys,
  type LogFilters,
  parseFilters,
  withFilters,
} from "./filters";

export type FilterChanges = Partial<Record<FilterKey, string | undefined>>;

export interface FiltersInAddress {
  filters: LogFilters;
  /** Values of the address that could not be used, as `key=value`. */
  ignored: string[];
  change: (changes: FilterChanges) => void;
  reset: () => void;
}

/** The filters of the address bar, which is their only home: back, forward and sharing just work. */
export function useFilters(): FiltersInAddress {
  const [parameters, setParameters] = useSearchParams();
  const { filters, ignored } = useMemo(() => parseFilters(parameters), [parameters]);

  const write = useCallback(
    (update: (filters: LogFilters) => LogFilters) =>
      setParameters((before) => {
        const after = encodeFilters(update(parseFilters(before).filters));
        // Other keys of the view (such as the metrics' grouping) stay.
        for (const [key, value] of before) {
          if (!(filterKeys as readonly string[]).includes(key)) after.append(key, value);
        }
        return after;
      }),
    [setParameters],
  );

  const change = useCallback(
    (changes: FilterChanges) => write((before) => withFilters(before, changes)),
    [write],
  );
  const reset = useCallback(
    () => write((before) => (before.tenant ? { tenant: before.tenant } : {})),
    [write],
  );
  return { filters, ignored, change, reset };
}
