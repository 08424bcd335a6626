// Runs commands of causalopt in Pyodide: node browser_install.mjs WHEELS COMMAND...
// Prints one line of JSON a command: its words, exit code, standard output and error.
import { createRequire } from "node:module";
import { pathToFileURL } from "node:url";

const require = createRequire(`${process.cwd()}/`);
const { loadPyodide } = await import(pathToFileURL(require.resolve("pyodide/pyodide.mjs")));
const [wheels, ...commands] = process.argv.slice(2);
const python = await loadPyodide();
python.mountNodeFS("/wheels", wheels);
python.runPython(`
import glob, importlib, site, zipfile
for wheel in glob.glob("/wheels/*.whl"):
    zipfile.ZipFile(wheel).extractall(site.getsitepackages()[0])
importlib.invalidate_caches()
`);
for (const words of commands) {
  python.globals.set("words", words);
  console.log(
    python.runPython(`
import contextlib, io, json, traceback
out, err = io.StringIO(), io.StringIO()
with contextlib.redirect_stdout(out), contextlib.redirect_stderr(err):
    try:
        from causalopt.cli import main
        code = main(words.split())
    except Exception:
        traceback.print_exc()
        code = 1
json.dumps({"words": words, "code": code, "out": out.getvalue(), "err": err.getvalue()})
`),
  );
}
