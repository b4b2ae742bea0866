import { useSyncExternalStore } from "react";

const darkQuery = "(prefers-color-scheme: dark)";

function onSchemeChange(listener: () => void): () => void {
  const media = window.matchMedia(darkQuery);
  media.addEventListener("change", listener);
  return () => media.removeEventListener("change", listener);
}

/** Follows the system's choice: a canvas does not take part in CSS, so it is drawn again. */
export function useDarkMode(): boolean {
  return useSyncExternalStore(onSchemeChange, () => window.matchMedia(darkQuery).matches);
}

export interface ChartColors {
  series: string[];
  line: string;
  muted: string;
}

const paletteSize = 9;

/** The palette's colours as the canvas needs them. `dark` only says when they have to be read again. */
export function chartColors(series: readonly { color?: string }[], dark: boolean): ChartColors {
  const style = getComputedStyle(document.documentElement);
  const read = (name: string) => style.getPropertyValue(name).trim() || (dark ? "#fff" : "#000");
  return {
    series: series.map((entry, index) => read(entry.color ?? `--chart-${(index % paletteSize) + 1}`)),
    line: read("--line"),
    muted: read("--muted"),
  };
}
