/** Hands a file to the browser's downloads. */
export function saveFile(content: Blob, name: string): void {
  const address = URL.createObjectURL(content);
  const link = document.createElement("a");
  link.href = address;
  link.download = name;
  link.click();
  // The click has taken hold of the content by the next task.
  setTimeout(() => URL.revokeObjectURL(address), 0);
}
