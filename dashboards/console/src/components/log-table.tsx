import { useTable } from "@tanstack/react-table";
import { useVirtualizer } from "@tanstack/react-virtual";
import { type MouseEvent, type ReactNode, useEffect, useLayoutEffect, useMemo, useRef } from "react";
import { useNavigate } from "react-router";
import { useScrollMemory } from "../lib/view-memory";
import { useTenantChoice, useTenantName, useTenants } from "../session/hooks";
import { features, logColumns, numericColumns, recordPath, type TableLine } from "./log-columns";
import { ScrollRegion } from "./scroll-region";

const rowHeightPx = 29;
const endMarginRows = 15;

interface LogTableProps {
  lines: readonly TableLine[];
  label: string;
  /** Columns that say the same in every line of this view. */
  hide?: readonly string[];
  /** Called when the end is near and more could be fetched. */
  onNearEnd?: (() => void) | undefined;
  footer?: ReactNode;
}

/** Records as a dense table that draws only the lines in sight, so that ten thousand are as fast as fifty. */
export function LogTable({ lines, label, hide, onNearEnd, footer }: LogTableProps) {
  const navigate = useNavigate();
  const scroller = useRef<HTMLElement>(null);
  const tenantName = useTenantName();
  const tenants = useTenants();
  const [tenant] = useTenantChoice();
  const oneTenant = tenant !== "" || tenants.length < 2;

  const columns = useMemo(() => {
    const hidden = new Set([...(hide ?? []), ...(oneTenant ? ["tenant"] : [])]);
    return logColumns(tenantName).filter((column) => !hidden.has(column.id ?? ""));
  }, [hide, oneTenant, tenantName]);

  const table = useTable({
    features,
    columns,
    data: lines as TableLine[],
    getRowId: (line: TableLine) => String(line.id),
  });
  const rows = table.getRowModel().rows;
  const virtualizer = useVirtualizer({
    count: rows.length,
    getScrollElement: () => scroller.current,
    estimateSize: () => rowHeightPx,
    overscan: 12,
  });
  const visible = virtualizer.getVirtualItems();
  const lastVisible = visible.at(-1)?.index ?? -1;
  const nearEnd = rows.length > 0 && lastVisible >= rows.length - endMarginRows;
  useEffect(() => {
    if (nearEnd) onNearEnd?.();
  }, [nearEnd, onNearEnd]);

  const [recall, note] = useScrollMemory();
  useLayoutEffect(() => {
    const element = scroller.current;
    if (!element) return;
    element.scrollTop = recall();
    return () => note(element.scrollTop);
  }, [recall, note]);

  const before = visible[0]?.start ?? 0;
  const after = virtualizer.getTotalSize() - (visible.at(-1)?.end ?? 0);

  const openRow = (line: TableLine) => (event: MouseEvent) => {
    // Links and selected text keep their own meaning.
    if (line.kind !== "record" || (event.target as Element).closest("a")) return;
    if (window.getSelection()?.toString()) return;
    navigate(recordPath(line.item));
  };

  return (
    <ScrollRegion ref={scroller} label={label} className="h-full overflow-auto">
      <table className="grid-table" aria-rowcount={rows.length + 1} aria-label={label}>
        <thead>
          {table.getHeaderGroups().map((group) => (
            <tr key={group.id}>
              {group.headers.map((header) => (
                <th
                  key={header.id}
                  scope="col"
                  className={numericColumns.has(header.column.id) ? "num !text-right" : ""}
                >
                  <table.FlexRender header={header} />
                </th>
              ))}
            </tr>
          ))}
        </thead>
        <tbody>
          <Spacer height={before} columns={columns.length} />
          {visible.map((entry) => {
            const row = rows[entry.index];
            if (!row) return null;
            const line = row.original;
            if (line.kind === "note") {
              return (
                <tr key={row.id} className="bg-warn-soft" style={{ height: rowHeightPx }}>
                  <td colSpan={columns.length} className="text-warn">
                    {line.text}
                  </td>
                </tr>
              );
            }
            return (
              <tr
                key={row.id}
                aria-rowindex={entry.index + 2}
                data-row="record"
                style={{ height: rowHeightPx }}
                className={`cursor-pointer ${line.item.flagged ? "bg-bad-soft/50" : ""}`}
                onClick={openRow(line)}
              >
                {row.getAllCells().map((cell) => (
                  <td key={cell.id} className={numericColumns.has(cell.column.id) ? "num" : ""}>
                    <table.FlexRender cell={cell} />
                  </td>
                ))}
              </tr>
            );
          })}
          <Spacer height={after} columns={columns.length} />
        </tbody>
      </table>
      {footer}
    </ScrollRegion>
  );
}

function Spacer({ height, columns }: { height: number; columns: number }) {
  if (height <= 0) return null;
  return (
    <tr style={{ height }}>
      <td colSpan={columns} className="!border-0 !p-0" />
    </tr>
  );
}
