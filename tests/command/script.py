#!/usr/bin/env python3
# SPDX-License-Identifier: GPL-2.0-or-later
"""What golden files cannot show of the program without a terminal.

  script.py KCODBG [DUMP]
"""
import os
import pathlib
import signal
import subprocess
import sys
import tempfile
import time
import unittest

import kit

KCODBG = DUMP = None


class Base(unittest.TestCase):
    def setUp(self):
        self.tmp = tempfile.TemporaryDirectory(prefix='kcodbg-script-')
        self.home = pathlib.Path(self.tmp.name)
        kit.scratch_files(self.home)

    def tearDown(self):
        self.tmp.cleanup()

    def run_it(self, *args, **more):
        return kit.run(KCODBG, self.home, args, **more)


class Scripts(Base):
    def test_commands_come_from_standard_input(self):
        status, out, err = self.run_it(DUMP, stdin='set 1\n\n  # a comment\nset -p # another\n')
        self.assertEqual((status, err), (0, ''))
        self.assertIn('    PID: 1\n', out)
        self.assertIn('(PANIC)', out)

    def test_the_last_line_needs_no_newline(self):
        self.assertIn('PID: 1\n', self.run_it(DUMP, stdin='set 1')[1])

    def test_a_choice_lasts(self):
        out = self.run_it(DUMP, stdin='set 1\nset\n')[1]
        self.assertEqual(out.count('    PID: 1\n'), 2)

    def test_an_error_does_not_end_it_and_the_worst_status_counts(self):
        status, out, err = self.run_it(DUMP, stdin='nosuch\nset 1\n')
        self.assertEqual(status, 2)
        self.assertIn('    PID: 1\n', out)
        self.assertEqual(err, "kcodbg: standard input:1: no command 'nosuch'; `help` lists them\n")
        status = self.run_it('empty.elf', stdin='set\nnosuch\nhelp set\n')[0]
        self.assertEqual(status, 4)

    def test_execute_names_file_and_line(self):
        (self.home / 'script').write_text('set 1\nset 99999999\n')
        status, out, err = self.run_it('-x', 'script', DUMP)
        self.assertEqual(status, 2)
        self.assertIn('PID: 1\n', out)
        self.assertRegex(err, r'^kcodbg: script:2: set: no task has the pid')

    def test_quit_ends_it(self):
        for word in ('q', 'quit', 'exit'):
            status, out, err = self.run_it(DUMP, stdin=f'{word}\nnosuch\n')
            self.assertEqual((status, out, err), (0, '', ''))

    def test_missing_script(self):
        self.assertEqual(self.run_it('-x', 'nosuch', DUMP)[0], 2)

    def test_redirections_and_pipes(self):
        text = 'set 1 > one\nset 1 >> one\nset 1 | wc -l\n!echo from sh\nset 1 >"two words"\n'
        status, out, err = self.run_it(DUMP, stdin=text)
        self.assertEqual((status, err), (0, ''))
        self.assertEqual((self.home / 'one').read_text().count('PID: 1\n'), 2)
        self.assertEqual((self.home / 'two words').read_text().count('PID: 1\n'), 1)
        self.assertEqual(out, '5\nfrom sh\n')

    def test_a_file_that_cannot_be_written(self):
        status, out, err = self.run_it(DUMP, stdin='set 1 > nosuch/file\nset 1 > /dev/full\n')
        self.assertEqual(status, 1)
        self.assertIn('nosuch/file: No such file', err)
        self.assertIn('No space left', err)

    def test_bad_lines(self):
        for line in ("set 'x", 'set |', 'set >', '| wc', '> file', 'set > a b'):
            self.assertEqual(self.run_it(DUMP, stdin=line + '\n')[0], 2, line)

    def test_json_with_a_line(self):
        out = self.run_it(DUMP, stdin='set 1 --json\nset 1\n')[1]
        self.assertTrue(out.startswith('{"pid":1,'), out)
        self.assertIn('    PID: 1\n', out)


class Output(Base):
    def test_no_colour_and_no_pager_without_a_terminal(self):
        status, out, err = self.run_it('set', '1', DUMP, PAGER='sed s/^/PAGED/')
        self.assertNotIn('\033', out)
        self.assertNotIn('PAGED', out)

    def test_colour_on_demand(self):
        self.assertIn('\033[', self.run_it('help', '--color=always')[1])

    def test_a_reader_that_leaves_is_no_error(self):
        child = subprocess.Popen([KCODBG, 'sym', '-l', DUMP], stdout=subprocess.PIPE,
                                 stderr=subprocess.PIPE, cwd=self.home, env=kit.environment(KCODBG, self.home))
        child.stdout.readline()
        child.stdout.close()
        err = child.stderr.read()
        child.stderr.close()
        self.assertEqual((child.wait(timeout=20), err), (0, b''))

    def test_closed_standard_output_fails(self):
        got = subprocess.run(['sh', '-c', f'"{KCODBG}" set 1 "{DUMP}" >&-'], capture_output=True, text=True,
                             cwd=self.home, env=kit.environment(KCODBG, self.home))
        self.assertEqual(got.returncode, 1)
        self.assertIn('cannot write the output', got.stderr)

    def test_stats_go_to_standard_error(self):
        status, out, err = self.run_it('set', '1', '--stats', DUMP)
        self.assertEqual(status, 0)
        self.assertRegex(err, r'^stats: [0-9.]+ s, .*MiB, page cache \d+ hits')
        self.assertNotIn('stats', out)


class Interrupt(Base):
    def test_the_signal_ends_it_after_the_command_has_stopped(self):
        with open(os.devnull, 'w') as null:
            child = subprocess.Popen([KCODBG, 'rd', '-p', '0', '1000000000000', DUMP], stdout=null,
                                     stderr=subprocess.PIPE, cwd=self.home, env=kit.environment(KCODBG, self.home))
            time.sleep(1)
            self.assertIsNone(child.poll(), 'it ended before the signal')
            child.send_signal(signal.SIGINT)
            child.stderr.read()
            child.stderr.close()
            self.assertEqual(child.wait(timeout=20), -signal.SIGINT)


class Target(Base):
    def crash_dir(self):
        root = self.home / 'crash'
        (root / '202401010000').mkdir(parents=True)
        (root / '127.0.0.1-2024-01-02').mkdir()
        files = {'202401010000/dump.202401010000': 100, '127.0.0.1-2024-01-02/vmcore': 200,
                 '127.0.0.1-2024-01-02/vmcore-dmesg.txt': 900, '202401010000/dmesg.202401010000': 900}
        for name, when in files.items():
            (root / name).write_bytes(kit.elf_core())
            os.utime(root / name, (when, when))
        return root

    def test_the_newest_dump_is_taken_and_told(self):
        root = self.crash_dir()
        status, out, err = self.run_it('set', KCODBG_CRASH_DIR=str(root))
        self.assertEqual(status, 4)
        self.assertTrue(err.startswith(f'kcodbg: no dump is named: this is {root}/127.0.0.1-2024-01-02/vmcore\n'), err)
        os.utime(root / '202401010000/dump.202401010000', (300, 300))
        err = self.run_it('set', KCODBG_CRASH_DIR=str(root))[2]
        self.assertIn('/dump.202401010000\n', err)

    def test_the_environment_comes_first_and_is_told(self):
        status, out, err = self.run_it('set', '1', KCODBG_CORE=DUMP, KCODBG_CRASH_DIR=str(self.crash_dir()))
        self.assertEqual(status, 0)
        self.assertEqual(err, f'kcodbg: no dump is named: this is {DUMP}\n')

    def test_words_beat_the_environment(self):
        status, out, err = self.run_it('set', '1', DUMP, KCODBG_CORE='/nosuch')
        self.assertEqual((status, err), (0, ''))

    def test_options_may_stand_anywhere(self):
        wanted = self.run_it('set', '1', '--json', DUMP)[1]
        self.assertTrue(wanted.startswith('{'))
        for args in (('--json', 'set', '1', DUMP), ('set', '--json', '1', DUMP), ('set', '1', DUMP, '--json'),
                     ('-c', DUMP, '--json', 'set', '1'), ('set', '-c', '0', DUMP)):
            out = self.run_it(*args)[1]
            if args[1] != '-c':
                self.assertEqual(out, wanted, args)

    def test_the_commands_own_option_comes_first_behind_it(self):
        # set -c is a CPU, the program's -c a dump.
        status, out, err = self.run_it('set', '-c', '0', '--json', DUMP)
        self.assertEqual((status, err), (0, ''))
        self.assertIn('"cpu":0', out)

    def test_a_file_named_by_a_word_is_the_dump_for_the_shell(self):
        os.symlink(DUMP, self.home / 'hel')
        # "hel" is a beginning of help, but a file as well.
        status, out, err = self.run_it('hel', stdin='set 1\n')
        self.assertEqual((status, err), (0, ''))
        self.assertIn('PID: 1\n', out)


if __name__ == '__main__':
    KCODBG = str(pathlib.Path(sys.argv[1]).resolve())
    DUMP = str(pathlib.Path(sys.argv[2] if len(sys.argv) > 2 else kit.FIXTURES / 'small.kdump').resolve())
    unittest.main(argv=sys.argv[:1])
