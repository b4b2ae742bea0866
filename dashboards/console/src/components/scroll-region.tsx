import type { ReactNode, Ref } from "react";

interface ScrollRegionProps {
  label: string;
  className: string;
  ref?: Ref<HTMLElement>;
  children: ReactNode;
}

/** A part of a page that scrolls on its own, and so must be reachable by keyboard and have a name. */
export function ScrollRegion({ label, className, ref, children }: ScrollRegionProps) {
  return (
    // biome-ignore lint/a11y/noNoninteractiveTabindex: without a stop there, the keyboard could not scroll it
    <section ref={ref ?? null} aria-label={label} tabIndex={0} className={className}>
      {children}
    </section>
  );
}
