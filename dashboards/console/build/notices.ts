import { existsSync, readdirSync, readFileSync } from "node:fs";
import { join } from "node:path";
import type { Plugin } from "vite";

const fileName = "licences.txt";

/** The folder of the package that a module belongs to; null for the console's own modules. */
function packageFolder(moduleId: string): string | null {
  const match = /^(.*[\\/]node_modules[\\/](?:@[^\\/]+[\\/])?[^\\/]+)[\\/]/.exec(moduleId.replace(/^\0/, ""));
  return match?.[1] ?? null;
}

function notice(folder: string): { title: string; text: string } {
  const manifest = JSON.parse(readFileSync(join(folder, "package.json"), "utf8")) as {
    name: string;
    version: string;
    license?: string;
  };
  const licenceFile = readdirSync(folder).find((name) => /^(licen[cs]e|copying)/i.test(name));
  const title = `${manifest.name} ${manifest.version} (${manifest.license ?? "no licence stated"})`;
  const text = licenceFile ? readFileSync(join(folder, licenceFile), "utf8").trim() : "";
  return { title, text };
}

/** Writes the licences of everything that went into the bundle beside it, as those licences ask for. */
export function notices(): Plugin {
  return {
    name: "licence-notices",
    apply: "build",
    generateBundle(_options, bundle) {
      const folders = new Set<string>();
      for (const output of Object.values(bundle)) {
        if (output.type !== "chunk") continue;
        for (const moduleId of Object.keys(output.modules)) {
          const folder = packageFolder(moduleId);
          if (folder && existsSync(join(folder, "package.json"))) folders.add(folder);
        }
      }
      const entries = [...folders].map(notice).sort((left, right) => left.title.localeCompare(right.title));
      const rule = "-".repeat(72);
      const source = entries.map(({ title, text }) => `${title}\n${rule}\n${text}\n`).join("\n\n");
      this.emitFile({ type: "asset", fileName, source: `The console contains:\n\n${source}` });
    },
  };
}
