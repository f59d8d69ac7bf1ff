#!/usr/bin/env node
// Makes a component of a project: `src/plugin.js`, for the world in `world.wit`, over the contract in `wit/`.
//   headgate-js [OUT] [--wit DIR] [--world FILE]     OUT: dist/NAME.wasm by the name in package.json
// The tools are the project's own dependencies, so that its lock file pins them: esbuild joins the sources into one text,
// componentize-qjs puts it beside a JavaScript engine. WASI is closed: the host lends all that a plugin needs.

import fs from "node:fs";
import { createRequire } from "node:module";
import os from "node:os";
import path from "node:path";
import { fileURLToPath } from "node:url";
import { parseArgs } from "node:util";

const SDK = path.dirname(fileURLToPath(import.meta.url));

/** The component's own module: what the world imports is lent to the SDK, what it exports comes from the plugin. */
export function entry(world, plugin) {
  const names = (verb, owner) =>
    [...world.matchAll(new RegExp(`^\\s*${verb} headgate:${owner}/([a-z-]+)@([0-9.]+);`, "gm"))].map(([, name, version]) => ({
      name, version, identifier: name.replace(/-./g, (dash) => dash[1].toUpperCase()),
    }));
  const imported = names("import", "host").filter(({ name }) => name !== "errors");
  const lines = imported.map(({ name, version, identifier }) => `import * as ${identifier} from "headgate:host/${name}@${version}";`);
  lines.push(
    `import ${JSON.stringify(path.join(SDK, "engine.js"))};`,
    `import { bind, component } from ${JSON.stringify(path.join(SDK, "component.js"))};`,
    `import plugin from ${JSON.stringify(plugin)};`,
    `bind({ ${imported.map(({ identifier }) => identifier).join(", ")} });`,
    "const made = component(plugin);",
    ...names("export", "plugin").map(({ identifier }) => `export const ${identifier} = made.${identifier};`),
  );
  return lines.join("\n");
}

/** The contract as dependencies of the author's own package. */
function assemble(contract, world, folder) {
  const deps = path.join(folder, "deps");
  fs.mkdirSync(path.join(deps, "plugin"), { recursive: true });
  fs.copyFileSync(world, path.join(folder, "world.wit"));
  for (const file of fs.readdirSync(contract).filter((name) => name.endsWith(".wit"))) {
    fs.copyFileSync(path.join(contract, file), path.join(deps, "plugin", file));
  }
  fs.cpSync(path.join(contract, "deps"), deps, { recursive: true });
}

async function build(project, { out, wit, world }) {
  const needed = createRequire(path.join(project, "package.json"));
  const { build: bundle } = needed("esbuild");
  const { componentize } = needed("componentize-qjs");
  const source = entry(fs.readFileSync(world, "utf8"), path.join(project, "src/plugin.js"));
  const bundled = await bundle({
    stdin: { contents: source, resolveDir: project, sourcefile: "component.js" },
    bundle: true, format: "esm", target: "es2023", platform: "neutral", mainFields: ["module", "main"],
    external: ["headgate:*"], write: false, logLevel: "warning",
  });
  const folder = fs.mkdtempSync(path.join(os.tmpdir(), "headgate-wit-"));
  try {
    assemble(wit, world, folder);
    const { component } = await componentize({ witPath: folder, jsSource: bundled.outputFiles[0].text, sync: true, stubWasi: true });
    fs.mkdirSync(path.dirname(out), { recursive: true });
    // Moved in one step: a host that watches the folder never sees half of it.
    fs.writeFileSync(`${out}.new`, component);
    fs.renameSync(`${out}.new`, out);
    return component.length;
  } finally {
    fs.rmSync(folder, { recursive: true });
  }
}

async function main() {
  const { values, positionals } = parseArgs({ allowPositionals: true, options: { wit: { type: "string" }, world: { type: "string" } } });
  const project = process.cwd();
  const { name } = JSON.parse(fs.readFileSync(path.join(project, "package.json"), "utf8"));
  const out = path.resolve(positionals[0] ?? path.join("dist", `${name}.wasm`));
  const bytes = await build(project, { out, wit: path.resolve(values.wit ?? "wit"), world: path.resolve(values.world ?? "world.wit") });
  console.log(`${path.relative(project, out)}: ${Math.ceil(bytes / 1024)} KiB`);
}

if (process.argv[1] && fs.realpathSync(process.argv[1]) === fileURLToPath(import.meta.url)) {
  await main().catch((error) => {
    console.error(`error: ${error.message}`);
    process.exitCode = 1;
  });
}
