#!/usr/bin/env python3
# SPDX-License-Identifier: GPL-2.0-or-later
"""The shell, on a pseudo-terminal.

  shell.py KCODBG [DUMP]
"""
import pathlib
import sys
import tempfile
import time
import unittest

import kit

KCODBG = DUMP = None
PROMPT = r'kcodbg> '


class Shell(unittest.TestCase):
    def setUp(self):
        self.tmp = tempfile.TemporaryDirectory(prefix='kcodbg-shell-')
        self.home = pathlib.Path(self.tmp.name)
        kit.scratch_files(self.home)
        self.terminals = []

    def tearDown(self):
        for terminal in self.terminals:
            terminal.close()
        self.tmp.cleanup()

    def start(self, *args, rows=24, columns=100, color=False, **env):
        env.setdefault('PAGER', 'cat')
        if not color:
            env['NO_COLOR'] = '1'
        terminal = kit.Terminal([KCODBG, *(args or ('-q', DUMP))], kit.environment(KCODBG, self.home, **env), self.home,
                                rows, columns)
        self.terminals.append(terminal)
        return terminal

    def shell(self, *args, **more):
        terminal = self.start(*args, **more)
        terminal.expect(PROMPT)
        return terminal

    def test_banner_tells_what_crashed_and_the_current_task(self):
        t = self.start(DUMP)
        t.expect(r'kcodbg \d+\.\d+\.\d+: ')
        t.expect(r'PANIC: "')
        t.expect(r'    PID: \d+')
        t.expect(PROMPT)

    def test_it_opens_on_a_dump_that_lacks_everything_and_says_what(self):
        t = self.start('empty.elf')
        t.expect(r'no virtual memory: ')
        t.expect(PROMPT)
        t.send('help set\r')
        t.expect(r'set - show or choose')
        t.expect(PROMPT)
        t.send('set\r')
        t.expect(r'kcodbg: set: ')
        t.expect(PROMPT)

    def test_an_error_does_not_end_it(self):
        t = self.shell()
        t.send('nosuch\r')
        t.expect(r"no command 'nosuch'")
        t.expect(PROMPT)
        t.send('set 1\r')
        t.expect(r'PID: 1\n')

    def test_quit_and_end_of_file_leave_with_status_0(self):
        for leave in ('q\r', 'quit\r', 'exit\r', '\x04'):
            t = self.shell()
            t.send('nosuch\r')
            t.expect(PROMPT)
            t.send(leave)
            self.assertEqual(t.wait(), 0, leave)

    def test_completion_of_commands(self):
        t = self.shell()
        t.send('he\t')
        t.expect(r'help ')
        t.send('set\r')
        t.expect(r'set - show or choose')

    def test_completion_shows_what_there_is(self):
        t = self.shell()
        t.send('s\t')
        t.expect(r'set +settings +[\w ]*sym')
        t.expect(PROMPT + 's')

    def test_completion_of_second_words(self):
        t = self.shell()
        t.send('settings sh\t')
        t.expect(r'settings show ')
        t.send('\r')
        t.expect(r'target\.show-hidden \(boolean\) = false')

    def test_completion_of_options_and_choices(self):
        t = self.shell()
        t.send('set --pan\t')
        t.expect(r'set --panic ')
        t.send('--col\t')
        t.expect(r'--color=')
        t.send('nev\t')
        t.expect(r'never ')
        t.send('\r')
        t.expect(r'\(PANIC\)')

    def test_completion_of_tasks(self):
        t = self.shell()
        t.send('set kthrea\t')
        t.expect(r'set kthreadd ')
        t.send('\r')
        t.expect(r'PID: 2\n')

    def test_completion_of_symbols(self):
        t = self.shell()
        t.send('sym linux_ban\t')
        t.expect(r'sym linux_banner ')
        t.send('\r')
        t.expect(r'[0-9a-f]{16} \(.\) linux_banner')

    def test_completion_of_files_behind_a_redirection(self):
        t = self.shell()
        t.send('set > empt\t')
        t.expect(r'empty\.elf ')

    def test_interrupt_drops_the_line(self):
        t = self.shell()
        t.send('nosuch')
        t.expect('nosuch')
        t.send('\x03')
        t.expect(PROMPT)
        t.send('set 1\r')
        t.expect(r'PID: 1\n')
        self.assertNotIn("no command 'nosuch", t.seen)

    def test_interrupt_stops_the_command_and_not_the_shell(self):
        t = self.shell()
        t.send('rd -p 0 1000000000000 > /dev/null\r')
        t.expect(r'/dev/null\n')
        with self.assertRaises(AssertionError):
            t.expect(PROMPT, timeout=1)
        t.send('\x03')
        t.expect(PROMPT)
        t.send('set 1\r')
        t.expect(r'PID: 1\n')
        t.expect(PROMPT)

    def test_interrupt_of_a_pipe(self):
        t = self.shell()
        t.send('rd -p 0 1000000000000 | cat >/dev/null\r')
        t.expect(r'/dev/null\n')
        with self.assertRaises(AssertionError):
            t.expect(PROMPT, timeout=1)
        t.send('\x03')
        t.expect(PROMPT)

    def test_interrupt_of_a_shell_escape(self):
        t = self.shell()
        t.send('!echo begin; sleep 60\r')
        t.expect(r'begin\n')
        time.sleep(0.5)  # dash may lose a signal that comes just before it starts sleep
        t.send('\x03')
        t.expect(PROMPT, timeout=5)

    def test_redirections_pipes_and_escapes(self):
        t = self.shell()
        t.send('set 1 > one\r')
        t.expect(PROMPT)
        t.send('set 1 >> one\r')
        t.expect(PROMPT)
        self.assertEqual((self.home / 'one').read_text().count('PID: 1\n'), 2)
        t.send('set 1 | grep -c PID\r')
        t.expect(r'\n1\n')
        t.send('!echo from sh\r')
        t.expect(r'\nfrom sh\n')

    def test_colour_on_a_terminal_only(self):
        t = self.shell(color=True)
        t.send('help\r')
        t.expect('\033' + r'\[36mset')
        t.expect(PROMPT)
        t.send('help > plain\r')
        t.expect(PROMPT)
        self.assertNotIn('\033', (self.home / 'plain').read_text())
        t = self.shell()
        t.send('help\r')
        t.expect(r'\n  set ')

    def test_pager_for_what_is_taller_than_the_screen(self):
        t = self.shell(PAGER='sed s/^/PAGED/')
        t.send('help kcodbg\r')
        t.expect(r'PAGED.*kcodbg - debug')
        t.expect(PROMPT)
        t.send('set 1\r')
        t.expect(r'\n    PID: 1\n')
        t.send('help kcodbg --no-pager\r')
        t.expect(r'\nkcodbg - debug')

    def test_pager_that_is_left(self):
        t = self.shell(PAGER='head -n 1')
        t.send('help kcodbg\r')
        t.expect(r'kcodbg - debug')
        t.expect(PROMPT)
        self.assertNotIn('cannot write', t.seen)

    def test_pager_that_does_not_exist(self):
        t = self.shell(PAGER='nosuchpager')
        t.send('help kcodbg\r')
        t.expect(r'cannot run the pager')
        t.expect(PROMPT)

    def test_history_lasts(self):
        t = self.shell()
        t.send('set 1\r')
        t.expect(PROMPT)
        t.send('quit\r')
        self.assertEqual(t.wait(), 0)
        history = self.home / '.local/state/kcodbg/history'
        self.assertIn('set', history.read_text())
        t = self.shell()
        t.send('\x1b[A\x1b[A')
        t.expect(r'set 1')
        t.send('\r')
        t.expect(r'PID: 1\n')
        t = self.shell(XDG_STATE_HOME=str(self.home / 'state'))
        t.send('quit\r')
        t.wait()
        self.assertTrue((self.home / 'state/kcodbg/history').exists())

    def test_names_of_the_dump_do_not_control_the_terminal(self):
        # A file name stands for any hostile text.
        name = self.home / 'a\033]0;title\a\u202e.elf'
        name.write_bytes(b'junk')
        t = self.start(str(name))
        t.expect(r'a\\x1b\]0;title\\x07\\xe2\\x80\\xae\.elf')
        self.assertEqual(t.wait(), 3)


if __name__ == '__main__':
    KCODBG = str(pathlib.Path(sys.argv[1]).resolve())
    DUMP = str(pathlib.Path(sys.argv[2] if len(sys.argv) > 2 else kit.FIXTURES / 'small.kdump').resolve())
    unittest.main(argv=sys.argv[:1])
