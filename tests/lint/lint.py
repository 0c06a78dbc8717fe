#!/usr/bin/env python3
# SPDX-License-Identifier: GPL-2.0-or-later
"""What the compiler does not see of docs/architecture.md's rules.

Usage: lint.py SOURCE_DIR          check the tree
       lint.py --self-test         check that each rule can fail

Prints one line a violation and exits 1 when there is any.
"""
import pathlib
import re
import subprocess
import sys
import tempfile

PRINTS = re.compile(r'(?<![\w.>])(printf|puts|putchar|perror|exit|_exit|abort|assert|longjmp|err|errx|warnx)\s*\(')
STREAMS = re.compile(r'\b(stderr|stdout)\b')
INCLUDE = re.compile(r'^\s*#\s*include\s+["<]([^">]+)[">]', re.M)
COMMENT = re.compile(r'/\*.*?\*/|//[^\n]*', re.S)
STRING = re.compile(r'"(?:\\.|[^"\\\n])*"')

# Folder -> headers under kco/ that its files may include.
SEGMENT = {'arena', 'codec', 'endian', 'err', 'format', 'image', 'io', 'segment', 'sink', 'write'}
ONLY_KCO = {
    'lib/segment': SEGMENT,
    'formats': SEGMENT | {'formats'},
}


def code_of(text):
    """The text without comments and string contents, line numbers kept."""
    blank = lambda m: re.sub(r'[^\n]', ' ', m.group(0))
    return COMMENT.sub(blank, text)


def line_of(text, at):
    return text.count('\n', 0, at) + 1


def check_file(path, text):
    """Violations of one C file: (line, message)."""
    code = code_of(text)
    bare = STRING.sub('""', code)
    if not text.startswith('// SPDX-License-Identifier: GPL-2.0-or-later\n'):
        yield 1, 'the first line is not the SPDX line'
    for m in INCLUDE.finditer(code):
        name = m.group(1)
        if name.startswith('../') or '/../' in name:
            yield line_of(code, m.start()), f'includes {name}: no ../ in includes'
        for folder, allowed in ONLY_KCO.items():
            if path.startswith(folder + '/') and name.startswith('kco/') and name[4:-2] not in allowed:
                yield line_of(code, m.start()), f'{folder} may not include <{name}>'
        if path.startswith('commands/') and not name.startswith('kco/') and pathlib.PurePath(path).name != 'registry.c':
            if name.startswith(('linux', 'session.h', 'btf', 'orc', 'kallsyms', 'debuginfo')):
                yield line_of(code, m.start()), f'commands see public headers only, not {name}'
        if name == 'kco/formats.h' and not (path.startswith(('formats/', 'tests/')) or path in
                                            ('cli/main.c', 'docs/gen/main.c')):
            yield line_of(code, m.start()), 'only a composition root names the format table'
    if path.startswith(('lib/', 'formats/')):
        for m in PRINTS.finditer(bare):
            yield line_of(bare, m.start()), f'lib and formats never print or exit: {m.group(1)}()'
        for m in STREAMS.finditer(bare):
            yield line_of(bare, m.start()), f'lib and formats have no {m.group(1)}'


def rows(path):
    return re.findall(r'^X\((\w+)\)', path.read_text(), re.M) if path.exists() else []


def check_rows(root):
    """Every row of a .def list has its page, and every page its row."""
    commands = rows(root / 'commands/commands.def')
    for name in commands:
        if not (root / f'docs/commands/{name}.md').exists():
            yield f'commands/commands.def: {name} has no page docs/commands/{name}.md'
        if not list((root / 'tests/command').glob(f'{name}/*')):
            yield f'commands/commands.def: {name} has no test in tests/command/{name}/'
    for page in (root / 'docs/commands').glob('*.md'):
        if page.stem not in commands:
            yield f'docs/commands/{page.name}: no such command'
    tested = ' '.join(p.read_text(errors='replace') for p in (root / 'tests/format').glob('*') if p.is_file())
    for name in rows(root / 'formats/formats.def'):
        if not re.search(rf'\b{name}\b', tested):
            yield f'formats/formats.def: {name} has no test in tests/format'


def check_headers(root):
    """Each header compiles alone."""
    paths = ['lib/include', 'lib/segment/include', 'formats/include', 'lib/image', 'lib/core', 'lib/os', 'lib/proc', 'lib/arch',
             'lib/segment', 'formats/shared', 'commands/shared', 'cli']
    flags = [f'-I{root / p}' for p in paths]
    for header in sorted(root.glob('**/*.h')):
        rel = header.relative_to(root).as_posix()
        if rel.split('/')[0] in ('build', 'tests', 'fixtures'):
            continue
        got = subprocess.run(['cc', '-std=gnu17', '-D_GNU_SOURCE', '-fsyntax-only', '-x', 'c', *flags, str(header)],
                             capture_output=True, text=True)
        if got.returncode:
            yield f'{rel}: does not compile alone: {got.stderr.splitlines()[0] if got.stderr else "?"}'


def check_tree(root):
    for path in sorted(root.glob('**/*.[ch]')):
        rel = path.relative_to(root).as_posix()
        if rel.startswith('build/'):
            continue
        for line, message in check_file(rel, path.read_text()):
            yield f'{rel}:{line}: {message}'
    yield from check_rows(root)
    yield from check_headers(root)


SPDX = '// SPDX-License-Identifier: GPL-2.0-or-later\n'
BAD = [
    ('lib/core/x.c', 'int x;\n'),
    ('lib/core/x.c', SPDX + '#include "../os/linux.h"\n'),
    ('formats/x.c', SPDX + '#include <kco/session.h>\n'),
    ('lib/segment/x.c', SPDX + '#include <kco/task.h>\n'),
    ('commands/x.c', SPDX + '#include "linux.h"\n'),
    ('commands/x.c', SPDX + '#include <kco/formats.h>\n'),
    ('lib/os/x.c', SPDX + 'void f(void) { printf("x"); }\n'),
    ('formats/x.c', SPDX + 'void f(void) { abort(); }\n'),
    ('lib/os/x.c', SPDX + 'void f(void) { fputs("x", stderr); }\n'),
]
GOOD = [
    ('lib/os/x.c', SPDX + '/* printf(stderr) */\nconst char *s = "abort()"; int kco_snprintf(int);\n'),
    ('cli/main.c', SPDX + '#include <kco/formats.h>\n'),
]


def self_test():
    failed = 0
    for path, text in BAD:
        if not list(check_file(path, text)):
            print(f'self-test: nothing found in {path}: {text!r}')
            failed += 1
    for path, text in GOOD:
        for line, message in check_file(path, text):
            print(f'self-test: {path}:{line}: {message}')
            failed += 1
    with tempfile.TemporaryDirectory() as tmp:
        root = pathlib.Path(tmp)
        for sub in ('commands', 'formats', 'docs/commands', 'tests/command', 'tests/format', 'lib/core'):
            (root / sub).mkdir(parents=True)
        (root / 'commands/commands.def').write_text('X(nosuch)\n')
        (root / 'formats/formats.def').write_text('X(nosuch)\n')
        (root / 'docs/commands/other.md').write_text('x')
        (root / 'lib/core/x.h').write_text(SPDX + 'struct a { struct b c; };\n')
        found = list(check_tree(root))
        if len(found) != 5:
            print(f'self-test: 5 violations planted in a tree, found {found}')
            failed += 1
    return failed


def main():
    if sys.argv[1:] == ['--self-test']:
        return 1 if self_test() else 0
    found = list(check_tree(pathlib.Path(sys.argv[1])))
    print('\n'.join(found))
    return 1 if found else 0


if __name__ == '__main__':
    sys.exit(main())
