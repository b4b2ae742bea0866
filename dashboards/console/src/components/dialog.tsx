import { type ReactNode, useEffect, useRef } from "react";
import { Button } from "./ui";

/** A modal dialog by the browser's own element: focus is kept inside, Escape closes. */
export function Dialog({
  title,
  onClose,
  children,
}: {
  title: string;
  onClose: () => void;
  children: ReactNode;
}) {
  const element = useRef<HTMLDialogElement>(null);
  useEffect(() => {
    const dialog = element.current;
    dialog?.showModal();
    return () => dialog?.close();
  }, []);
  return (
    <dialog
      ref={element}
      aria-label={title}
      onCancel={(event) => {
        event.preventDefault();
        onClose();
      }}
      className="m-auto w-[28rem] max-w-[95vw] rounded-md border border-line bg-panel text-ink shadow-xl backdrop:bg-black/50"
    >
      <header className="flex items-center justify-between border-b border-line px-3 py-1.5">
        <h2 className="font-semibold">{title}</h2>
        <Button look="quiet" aria-label="Close" onClick={onClose}>
          ✕
        </Button>
      </header>
      <div className="p-3">{children}</div>
    </dialog>
  );
}
