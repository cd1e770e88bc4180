"""What no code of ours does, so that no input can make it run code, a command, a query or an unsafe parser."""

import ast
import re
from collections.abc import Callable, Iterator
from pathlib import Path

ROOT = Path(__file__).resolve().parents[1]
ROOMS = ("assessments", "bulletin", "config", "deploy")
MODULES = [ROOT / "manage.py", *(path for room in ROOMS for path in sorted((ROOT / room).rglob("*.py")))]
SCRIPTS = sorted((ROOT / "static/js").glob("*.js"))
TEMPLATES = sorted(path for path in (ROOT / "templates").rglob("*.*") if path.is_file())

Scan = Callable[[str], list[str]]
"""Reads the source of a file, and returns what is unsafe in it."""


def faults(scan: Scan, files: list[Path] = MODULES) -> dict[str, list[str]]:
    """What a scan finds, by file."""
    assert len(files) > 5
    by_file = {str(path.relative_to(ROOT)): scan(path.read_text()) for path in files}
    return {name: unsafe for name, unsafe in by_file.items() if unsafe}


def name_of(function: ast.expr) -> str:
    """The dotted name of what is called, such as `os.system`."""
    if isinstance(function, ast.Attribute):
        return f"{name_of(function.value)}.{function.attr}"
    return function.id if isinstance(function, ast.Name) else ""


def calls(source: str) -> Iterator[tuple[str, ast.Call]]:
    for node in ast.walk(ast.parse(source)):
        if isinstance(node, ast.Call):
            yield name_of(node.func), node


def imported(source: str) -> Iterator[str]:
    """The packages that a module imports, wherever it does."""
    for node in ast.walk(ast.parse(source)):
        if isinstance(node, ast.Import):
            yield from (alias.name.partition(".")[0] for alias in node.names)
        elif isinstance(node, ast.ImportFrom) and not node.level:
            yield (node.module or "").partition(".")[0]


# --- Modules ----------------------------------------------------------------------


def code_from_text(source: str) -> list[str]:
    return [name for name, _ in calls(source) if name in ("eval", "exec", "compile", "__import__")]


def test_no_text_is_run_as_code():
    assert code_from_text("eval('1')") == ["eval"]
    assert faults(code_from_text) == {}


def command_lines(source: str) -> list[str]:
    """Calls of other programs by a line for a shell, instead of a list of arguments."""
    return [
        name
        for name, call in calls(source)
        if name in ("os.system", "os.popen")
        or any(option.arg == "shell" for option in call.keywords)
        or (name.startswith("subprocess.") and call.args and not isinstance(call.args[0], ast.List))
    ]


def test_other_programs_are_run_with_a_list_of_arguments_and_no_shell():
    assert (
        command_lines("subprocess.run(f'ls {x}')\nsubprocess.run(['ls'], shell=True)")
        == ["subprocess.run"] * 2
    )
    # Its commands are those of the units beside it, split into arguments.
    assert faults(command_lines) == {"deploy/timers.py": ["subprocess.Popen"]}


def object_readers(source: str) -> list[str]:
    """Packages that build any object that their input names."""
    return [name for name in imported(source) if name in ("pickle", "marshal", "shelve", "dill", "yaml")]


def test_nothing_is_read_in_a_format_that_names_the_objects_to_build():
    assert object_readers("import pickle") == ["pickle"]
    assert faults(object_readers) == {}
    loaders = re.findall(r"YAML\(([^)]*)\)", "".join(path.read_text() for path in MODULES))
    assert [options for options in loaders if "unsafe" in options] == []


def xml_readers(source: str) -> list[str]:
    return [
        name for name in imported(source) if name in ("xml", "lxml", "defusedxml", "html5lib", "tinyhtml5")
    ]


def test_no_xml_is_read():
    assert xml_readers("from xml.etree import ElementTree") == ["xml"]
    assert faults(xml_readers) == {}


def weak_hashes(source: str) -> list[str]:
    return [
        name
        for name, call in calls(source)
        if name in ("hashlib.md5", "hashlib.sha1", "hashlib.new", "md5", "sha1")
        and not any(option.arg == "usedforsecurity" for option in call.keywords)
    ]


def test_hashes_are_sha_256_or_longer():
    assert weak_hashes("hashlib.md5(b'')") == ["hashlib.md5"]
    assert faults(weak_hashes) == {}


def encryption(source: str) -> list[str]:
    return [name for name in imported(source) if name in ("cryptography", "Crypto", "nacl", "ssl")]


def test_one_module_encrypts_and_what_it_encrypts_is_authenticated():
    assert encryption("from cryptography.fernet import Fernet") == ["cryptography"]
    modules = [name for name in faults(encryption) if not name.startswith("deploy/")]
    sources = {name: (ROOT / name).read_text() for name in modules}
    # Fernet is AES in CBC mode with an HMAC over all of it.
    used = {
        name: set(re.findall(r"from cryptography\S* import (.+)", text)) for name, text in sources.items()
    }
    assert used["config/encryption.py"] == {"Fernet, MultiFernet"}
    assert {names for name in used if name != "config/encryption.py" for names in used[name]} <= {
        "InvalidToken"
    }


def guessable_numbers(source: str) -> list[str]:
    return re.findall(r"^ *(?:import|from) random\b|\buuid[14]\b", source, re.MULTILINE)


def test_keys_and_tokens_come_from_the_systems_random_source():
    assert guessable_numbers("import random\nuuid4()") == ["import random", "uuid4"]
    assert faults(guessable_numbers) == {}


def built_queries(source: str) -> list[str]:
    """Queries by hand whose text is put together while the portal runs."""
    return [
        name
        for name, call in calls(source)
        if name.rpartition(".")[2] in ("raw", "extra", "RawSQL", "execute", "executescript")
        and call.args
        and isinstance(call.args[0], ast.JoinedStr | ast.BinOp)
    ]


def test_what_serves_people_writes_no_query_by_hand_with_a_value_in_its_text():
    assert built_queries("cursor.execute(f'SELECT {x}')") == ["cursor.execute"]
    serving = [path for path in MODULES if not {"migrations", "operations"} & set(path.parts)]
    # Their texts have names of triggers and a number of seconds from the code itself.
    of_code = {"assessments/models/frozen.py", "assessments/middleware/database_down.py"}
    assert faults(built_queries, serving).keys() == of_code


def templates_from_text(source: str) -> list[str]:
    return [name for name, _ in calls(source) if name.rpartition(".")[2] in ("from_string", "Template")]


def test_templates_are_files_and_never_built_from_text():
    assert templates_from_text("engine.from_string(x)") == ["engine.from_string"]
    assert faults(templates_from_text) == {}


def formats_from_text(source: str) -> list[str]:
    """Formatting with a format that is not written in the code."""
    return [
        name
        for node in ast.walk(ast.parse(source))
        if isinstance(node, ast.Call) and isinstance(node.func, ast.Attribute)
        for name in [node.func.attr]
        if name in ("format", "format_map")
        and isinstance(node.func.value, ast.Name)
        and not node.func.value.id.isupper()
    ]


def test_no_format_comes_from_people():
    assert formats_from_text("typed.format(user)") == ["format"]
    # Their formats are constants of the code, or texts of an edition.
    of_code = {
        "assessments/models/frozen.py",
        "assessments/operations/runtime_role.py",
        "assessments/rendering/findings.py",
        "bulletin/encoding/loader.py",
        "config/mail.py",
    }
    assert faults(formats_from_text).keys() == of_code


# --- Templates and scripts ------------------------------------------------------------


def unescaped(source: str) -> list[str]:
    return re.findall(r"[\w.]+\|\s*safe(?:seq)?\b|autoescape off", source)


def test_no_template_of_a_page_writes_a_value_unescaped():
    assert unescaped("{{ note|safe }}") == ["note|safe"]
    pages = [path for path in TEMPLATES if path.suffix == ".html"]
    # Pictures of QR codes, which the portal draws itself.
    assert {value for values in faults(unescaped, pages).values() for value in values} == {
        "totp_svg|safe",
        "proof.qr|safe",
    }


def text_as_markup(source: str) -> list[str]:
    pattern = (
        r"\.(?:inner|outer)HTML\s*\+?=(?!=)|insertAdjacentHTML|document\.write|srcdoc|\beval\(|new Function"
    )
    return re.findall(pattern, source)


def test_scripts_put_text_into_the_page_as_text():
    assert text_as_markup("a.innerHTML = b; eval(c)") == [".innerHTML =", "eval("]
    assert text_as_markup("a.innerHTML === b.innerHTML") == []
    assert faults(text_as_markup, SCRIPTS) == {}


def storage(source: str) -> list[str]:
    return re.findall(r"localStorage|sessionStorage|indexedDB|caches\.open|serviceWorker", source)


def test_scripts_keep_nothing_in_the_browser():
    assert storage("localStorage.a = 1") == ["localStorage"]
    assert faults(storage, SCRIPTS) == {}


def named_by_input(source: str) -> list[str]:
    """Properties that are set by a name from elsewhere: one of these names could change every object."""
    return re.findall(r"__proto__|\w\[[a-z]\w*(?:\.\w+)*\]\s*=(?!=)|Object\.assign|JSON\.parse", source)


def test_scripts_set_no_property_by_a_name_from_elsewhere():
    assert named_by_input("a[key] = b") == ["a[key] ="]
    assert faults(named_by_input, SCRIPTS) == {}
