"""Makes a component of a project: `src/plugin.py`, whose `plugin` is the Plugin, for the world in `world.wit`, over the
contract in `wit/`. WASI is closed: the host lends all that a plugin needs.

    python -m headgate.build [OUT] [--wit DIR] [--world FILE]        OUT: dist/NAME.wasm by the project's folder
"""

import argparse
import os
import shutil
import subprocess
import sys
import sysconfig
import tempfile
from pathlib import Path

#: The module that componentize-py looks into. It runs once, while building: what it makes is in the component's memory.
ENTRY = """\
import sys
import headgate.component
import plugin

globals().update(headgate.component.component(plugin.plugin))
"""


def assemble(contract, world, folder):
    """The contract as dependencies of the author's own package."""
    shutil.copytree(contract / "deps", folder / "deps")
    (folder / "deps/plugin").mkdir()
    for file in contract.glob("*.wit"):
        shutil.copy(file, folder / "deps/plugin")
    shutil.copy(world, folder / "world.wit")


def tool():
    """Beside this Python, where pip put it; else wherever it is found."""
    beside = Path(sysconfig.get_path("scripts")) / "componentize-py"
    return str(beside) if beside.exists() else "componentize-py"


def build(project, out, contract, world):
    sdk = Path(__file__).parent.parent
    with tempfile.TemporaryDirectory() as scratch:
        wit, entry = Path(scratch) / "wit", Path(scratch) / "entry"
        wit.mkdir()
        assemble(contract, world, wit)
        entry.mkdir()
        (entry / "component_entry.py").write_text(ENTRY)
        # Only the SDK itself: its tests and this builder's neighbours have no place in a component.
        shutil.copytree(sdk / "headgate", entry / "headgate", ignore=shutil.ignore_patterns("__pycache__", "testing.py", "build.py"))
        out.parent.mkdir(parents=True, exist_ok=True)
        # Moved in one step: a host that watches the folder never sees half of it.
        staged = out.with_suffix(".new")
        command = [tool(), "--quiet", "-d", str(wit), "-w", "plugin", "componentize", "--stub-wasi", "component_entry"]
        command += ["-p", str(project / "src"), "-p", str(entry), "-o", str(staged)]
        # Else it puts every package of the virtual environment into the component.
        environment = {key: value for key, value in os.environ.items() if key != "VIRTUAL_ENV"}
        done = subprocess.run(command, env=environment, capture_output=True, text=True)
        if done.returncode:
            sys.exit(f"error: componentize-py failed:\n{done.stdout}{done.stderr}")
        os.replace(staged, out)
    return out.stat().st_size


def main():
    project = Path.cwd()
    parser = argparse.ArgumentParser(prog="python -m headgate.build", description="Makes a component of the plugin in this folder")
    parser.add_argument("out", nargs="?", type=Path, default=Path("dist") / f"{project.name}.wasm")
    parser.add_argument("--wit", type=Path, default=Path("wit"), help="the contract [default: wit]")
    parser.add_argument("--world", type=Path, default=Path("world.wit"), help="the plugin's world [default: world.wit]")
    given = parser.parse_args()
    size = build(project, given.out.resolve(), given.wit, given.world)
    print(f"{given.out}: {size // 1024} KiB")


if __name__ == "__main__":
    main()
