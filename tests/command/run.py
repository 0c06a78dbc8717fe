#!/usr/bin/env python3
# SPDX-License-Identifier: GPL-2.0-or-later
"""Golden tests of what a user types.

  run.py KCODBG FOLDER...      run the cases of these folders
  run.py --update KCODBG ...   write their .out (and .err) files anew: read the diff!

A case is a file CLASS.NAME in a folder named as the command it is about. It holds
lines for sh, run in fixtures/ with the built kcodbg in front of $PATH; lines that
begin with # are comments, or say what is not usual:

  # status: 4       the exit status, when the class does not say enough
  # scratch         run in a scratch folder with empty.elf (a dump that holds
                    nothing), vmlinux (an ELF executable) and text

The class is the exit status: ok 0, rows 1 (some rows failed), err 2 to 4. Beside it
lie CLASS.NAME.out, the standard output, and where standard error must not be empty
CLASS.NAME.err. err.* needs one.

Where a case says --json each line must be an object whose keys and types are those of
`kcodbg help json`. The other way round each documented key must be printed by some
case; a file `unseen` in the folder lists those that no fixture has, with the reason.
"""
import argparse
import json
import pathlib
import re
import subprocess
import sys
import tempfile

import kit

STATUS = {'ok': {0}, 'rows': {1}, 'err': {2, 3, 4}}
COMMON = {'error': 'string', 'why': 'string|null'}
ADDRESS = re.compile(r'0x(0|[1-9a-f][0-9a-f]*)$')


def type_matches(value, wanted):
    """Is @value of one of the types in "a|b"?"""
    for one in wanted.split('|'):
        if one == 'null' and value is None:
            return True
        if one == 'boolean' and isinstance(value, bool):
            return True
        if one == 'integer' and isinstance(value, int) and not isinstance(value, bool):
            return True
        if one == 'number' and isinstance(value, (int, float)) and not isinstance(value, bool):
            return True
        if one == 'string' and isinstance(value, str):
            return True
        if one == 'address' and isinstance(value, str) and ADDRESS.match(value):
            return True
        if one == 'array' and isinstance(value, list):
            return True
        if one == 'object' and isinstance(value, dict):
            return True
    return False


def walk(value, path, schema, seen):
    """Violations of the schema below @path ('' is the row); @seen collects the keys that are there."""
    if isinstance(value, list):
        for item in value:
            name = path + '[]'
            if not isinstance(item, (dict, list)):
                if name in schema:
                    seen.add(name)
                    if not type_matches(item, schema[name]):
                        yield f'{name} is {item!r}, not {schema[name]}'
            else:
                if name in schema:
                    seen.add(name)
                yield from walk(item, name, schema, seen)
        return
    if not isinstance(value, dict):
        return
    prefix = path + '.' if path else ''
    # An object without documented keys has any: registers by name, say.
    if path and not any(key.startswith(prefix) for key in schema):
        return
    for key, item in value.items():
        name = prefix + key
        wanted = schema.get(name, COMMON.get(key))
        if wanted is None:
            yield f'{name} is not documented'
            continue
        seen.add(name)
        if not type_matches(item, wanted):
            yield f'{name} is {item!r}, not {wanted}'
        yield from walk(item, name, schema, seen)


def check_json(text, schema, seen):
    for number, line in enumerate(text.splitlines(), 1):
        try:
            row = json.loads(line)
        except ValueError as e:
            yield f'line {number} is not JSON: {e}'
            continue
        if not isinstance(row, dict):
            yield f'line {number} is not an object'
            continue
        for message in walk(row, '', schema, seen):
            yield f'line {number}: {message}'


def load_schema(kcodbg, home):
    got = subprocess.run([kcodbg, 'help', 'json', '--json'], capture_output=True, text=True, check=True,
                         env=kit.environment(kcodbg, home))
    schema = {}
    for line in got.stdout.splitlines():
        row = json.loads(line)
        command = re.sub('[ -]', '_', row['command'])  # as its file and its folder here are called
        schema.setdefault(command, {})[row['key']] = row['type']
    return schema


def parse_case(path):
    """(script, options) of a case."""
    options, lines = {}, []
    for line in path.read_text().splitlines():
        if line.startswith('#'):
            key, _, value = line[1:].strip().partition(':')
            options[key.strip()] = value.strip()
        elif line.strip():
            lines.append(line)
    return '\n'.join(lines), options


def differs(what, path, got):
    """Complaints when @got is not what the file @path has."""
    if not path.exists():
        if got:
            yield f'{what} without {path.name}:\n{indent(got)}'
        return
    want = path.read_text()
    if want == got:
        return
    import difflib
    diff = difflib.unified_diff(want.splitlines(True), got.splitlines(True), path.name, 'got')
    yield f'{what} differs:\n{indent("".join(diff))}'


def indent(text):
    return ''.join('    ' + line for line in text.splitlines(True)).rstrip('\n')


def run_case(case, kcodbg, schema, seen, update):
    """Complaints about one case."""
    script, options = parse_case(case)
    kind = case.name.split('.')[0]
    command = case.parent.name
    with tempfile.TemporaryDirectory(prefix='kcodbg-case-') as home:
        kit.scratch_files(home)
        cwd = home if 'scratch' in options else kit.FIXTURES
        try:
            got = subprocess.run(['/bin/sh', '-c', script], stdin=subprocess.DEVNULL, capture_output=True, cwd=cwd,
                                 env=kit.environment(kcodbg, home), timeout=120)
        except subprocess.TimeoutExpired:
            yield 'it does not end'
            return
    try:
        out, err = got.stdout.decode(), got.stderr.decode()
    except UnicodeDecodeError as e:
        yield f'the output is not UTF-8: {e}'
        return
    wanted = {int(options['status'])} if 'status' in options else STATUS[kind]
    if got.returncode not in wanted:
        yield f'exit status {got.returncode}, not {sorted(wanted)}; standard error:\n{indent(err)}'
    out_path, err_path = case.with_name(case.name + '.out'), case.with_name(case.name + '.err')
    if update:
        out_path.write_text(out)
        if err:
            err_path.write_text(err)
        elif err_path.exists():
            err_path.unlink()
    if not out_path.exists():
        yield f'there is no {out_path.name}'
    yield from differs('standard output', out_path, out)
    yield from differs('standard error', err_path, err)
    if kind == 'err' and not err:
        yield 'it fails without a word on standard error'
    for line in err.splitlines():
        if not line.startswith(('kcodbg: ', 'stats: ')):
            yield f'on standard error: {line!r}'
    if '--json' in script:
        for message in check_json(out, schema.get(command, {}), seen):
            yield message


def unseen_keys(folder, schema, seen):
    """Documented keys that no case printed, and excuses for keys that were."""
    path = folder / 'unseen'
    excused = set()
    if path.exists():
        excused = {line.split()[0] for line in path.read_text().splitlines() if line.strip() and line[0] != '#'}
    for key in sorted(set(schema) - seen - excused):
        yield f'the key {key} is documented, but no case prints it'
    for key in sorted(excused & seen):
        yield f'the key {key} is listed in unseen, but a case prints it'
    for key in sorted(excused - set(schema)):
        yield f'the key {key} is listed in unseen, but is not documented'


def run_folder(folder, kcodbg, schema, update=False):
    """(number of cases, complaints)."""
    complaints, seen, count = [], set(), 0
    for case in sorted(folder.glob('*.*')):
        if case.suffix in ('.out', '.err') or case.name.split('.')[0] not in STATUS:
            if case.suffix not in ('.out', '.err'):
                complaints.append(f'{case.name}: its class is none of {", ".join(STATUS)}')
            elif not case.with_suffix('').exists():
                complaints.append(f'{case.name}: belongs to no case')
            continue
        count += 1
        complaints += [f'{case.name}: {c}' for c in run_case(case, kcodbg, schema, seen, update)]
    command = folder.name
    if command in schema:
        complaints += list(unseen_keys(folder, schema[command], seen))
    if not count:
        complaints.append('there is no case')
    return count, complaints


def main():
    parser = argparse.ArgumentParser()
    parser.add_argument('--update', action='store_true')
    parser.add_argument('kcodbg')
    parser.add_argument('folder', nargs='+', type=pathlib.Path)
    args = parser.parse_args()
    kcodbg = str(pathlib.Path(args.kcodbg).resolve())
    with tempfile.TemporaryDirectory(prefix='kcodbg-case-') as home:
        schema = load_schema(kcodbg, home)
    failed = False
    for folder in args.folder:
        folder = folder.resolve()
        count, complaints = run_folder(folder, kcodbg, schema, args.update)
        for complaint in complaints:
            print(f'{folder.name}/{complaint}')
        print(f'{folder.name}: {count} cases, {len(complaints)} complaints')
        failed |= bool(complaints)
    return 1 if failed else 0


if __name__ == '__main__':
    sys.exit(main())
