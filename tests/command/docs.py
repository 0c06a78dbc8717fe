#!/usr/bin/env python3
# SPDX-License-Identifier: GPL-2.0-or-later
"""Do the documents say what the tables say?

  docs.py KCODBG SOURCE_DIR BUILD_DOCS_DIR

 - Each option of a command is in its hand-written page docs/commands/NAME.md.
 - The pages that are made from the tables and kept in the tree are up to date.
 - Every command has a man page that man can read, and the bash completion works.
"""
import json
import pathlib
import shutil
import subprocess
import sys
import tempfile
import unittest

import kit

KCODBG = SOURCE = BUILT = None


def ask(*args):
    with tempfile.TemporaryDirectory() as home:
        status, out, err = kit.run(KCODBG, home, [*args, '--json'])
    assert status == 0, err
    return [json.loads(line) for line in out.splitlines()]


def missing_options(command, page):
    """Options of @command, as `help --json` has it, that the text @page does not name."""
    for option in command['options']:
        names = [f'-{option["short"]}'] if option['short'] else []
        names += [f'--{option["long"]}'] if option['long'] else []
        for name in names:
            # As a word of its own: --all is not in --allocated.
            at = page.find(name)
            while at >= 0:
                before, after = page[at - 1:at], page[at + len(name):at + len(name) + 1]
                if not (before.isalnum() or before == '-') and not (after.isalnum() or after == '-'):
                    break
                at = page.find(name, at + 1)
            if at < 0:
                yield name


class Pages(unittest.TestCase):
    def test_the_check_itself(self):
        command = {'options': [{'short': 'a', 'long': 'all'}, {'short': None, 'long': 'json'}]}
        self.assertEqual(list(missing_options(command, '`-a`, `--all`: x\n`--json`')), [])
        self.assertEqual(list(missing_options(command, '--allocated --json -ab')), ['-a', '--all'])

    def test_each_option_is_in_the_page_of_its_command(self):
        missing = []
        for row in ask('help'):
            name = row['command']
            page = SOURCE / 'docs/commands' / (name.replace(' ', '_').replace('-', '_') + '.md')
            if not page.exists():
                missing.append(f'there is no docs/commands/{page.name}')
                continue
            missing += [f'{page.name}: {option}'
                        for option in missing_options(ask('help', *name.split())[0], page.read_text())]
        self.assertEqual(missing, [])

    def test_kept_pages_are_up_to_date(self):
        for page in ('json.md', 'format-list.md', 'commands.md'):
            self.assertEqual((SOURCE / 'docs' / page).read_text(), (BUILT / page).read_text(),
                             f'docs/{page}: cmake --build BUILD --target docs-refresh')


class Man(unittest.TestCase):
    def test_every_command_has_a_page_without_warnings(self):
        self.assertTrue(shutil.which('groff'), 'groff is not installed: scripts/setup')
        for name in ['kcodbg'] + ['kcodbg-' + row['command'].replace(' ', '-') for row in ask('help')]:
            page = BUILT / 'man' / f'{name}.1'
            got = subprocess.run(['groff', '-man', '-Tutf8', '-ww', '-P-cbou', str(page)], capture_output=True, text=True)
            self.assertEqual((got.returncode, got.stderr), (0, ''), name)
            self.assertIn('NAME', got.stdout)


class Completion(unittest.TestCase):
    def complete(self, *words):
        """What bash would offer for the last of @words."""
        script = f'''
            . "{BUILT}/completion/kcodbg"
            compopt() {{ :; }}
            COMP_WORDS=("$@"); COMP_CWORD=$(($# - 1))
            _kcodbg
            printf '%s\\n' "${{COMPREPLY[@]}}"
        '''
        with tempfile.TemporaryDirectory() as home:
            got = subprocess.run(['bash', '-c', script, 'bash', 'kcodbg', *words], capture_output=True, text=True, cwd=home,
                                 check=True)
        self.assertEqual(got.stderr, '')
        return got.stdout.split()

    def test_commands(self):
        self.assertEqual(self.complete('hel'), ['help'])
        self.assertIn('set', self.complete('-q', ''))
        self.assertIn('set', self.complete('-c', 'vmcore', ''))

    def test_names_of_two_words(self):
        self.assertIn('process', self.complete('proc'))
        self.assertIn('attach', self.complete('process', 'att'))
        self.assertEqual(self.complete('process', 'attach', '--no-p'), ['--no-pager'])
        self.assertEqual(self.complete('settings', 'se'), ['set'])

    def test_options_of_the_command_and_the_program(self):
        self.assertEqual(self.complete('set', '--pan'), ['--panic'])
        self.assertEqual(self.complete('set', '--no-p'), ['--no-pager'])
        self.assertNotIn('--panic', self.complete('help', '--'))

    def test_choices(self):
        self.assertEqual(self.complete('set', '--color', '=', 'al'), ['always'])
        self.assertEqual(self.complete('--types', 'b'), ['btf'])

    def test_topics(self):
        self.assertIn('formats', self.complete('help', ''))


if __name__ == '__main__':
    KCODBG = str(pathlib.Path(sys.argv[1]).resolve())
    SOURCE, BUILT = pathlib.Path(sys.argv[2]).resolve(), pathlib.Path(sys.argv[3]).resolve()
    unittest.main(argv=sys.argv[:1])
