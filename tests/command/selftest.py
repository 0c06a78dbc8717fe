#!/usr/bin/env python3
# SPDX-License-Identifier: GPL-2.0-or-later
"""The driver's own test: each way in which a case can be wrong must make it complain.

The program is a shell script that prints what a case asks for.
"""
import pathlib
import tempfile
import unittest

import run

FAKE = '''#!/bin/sh
# help json --json: the schema; otherwise: print $OUT, complain with $ERR, exit with $STATUS
if [ "$1" = help ]; then
    echo '{"command":"fake","key":"a","type":"integer","help":""}'
    echo '{"command":"fake","key":"b","type":"address|null","help":""}'
    echo '{"command":"fake","key":"list","type":"array","help":""}'
    echo '{"command":"fake","key":"list[].c","type":"string","help":""}'
    exit 0
fi
[ -z "$OUT" ] || printf '%s\\n' "$OUT"
[ -z "$ERR" ] || printf '%s\\n' "$ERR" >&2
exit ${STATUS:-0}
'''
ROW = '{"a":1,"b":"0x1f","list":[{"c":"x"}]}'


class Driver(unittest.TestCase):
    def setUp(self):
        self.tmp = tempfile.TemporaryDirectory()
        root = pathlib.Path(self.tmp.name)
        self.kcodbg = root / 'bin/kcodbg'
        self.kcodbg.parent.mkdir()
        self.kcodbg.write_text(FAKE)
        self.kcodbg.chmod(0o755)
        self.folder = root / 'fake'
        self.folder.mkdir()
        self.schema = run.load_schema(str(self.kcodbg), root)

    def tearDown(self):
        self.tmp.cleanup()

    def case(self, name, script, out='', err=None):
        (self.folder / name).write_text(script + '\n')
        if out is not None:
            (self.folder / (name + '.out')).write_text(out)
        if err is not None:
            (self.folder / (name + '.err')).write_text(err)

    def complaints(self, whole=False):
        """Without those about keys that were not seen, unless @whole."""
        found = run.run_folder(self.folder, str(self.kcodbg), self.schema)[1]
        return found if whole else [c for c in found if 'no case prints it' not in c]

    def assertComplains(self, text):
        found = self.complaints()
        self.assertTrue(any(text in c for c in found), f'{text!r} is not in {found}')

    def test_good_cases_pass(self):
        self.case('ok.plain', 'OUT=hello kcodbg x', 'hello\n')
        self.case('ok.json', f"OUT='{ROW}' kcodbg x --json", ROW + '\n')
        self.case('rows.some', 'OUT=x STATUS=1 kcodbg x', 'x\n')
        self.case('err.usage', 'ERR="kcodbg: no" STATUS=2 kcodbg x', '', 'kcodbg: no\n')
        self.assertEqual(self.complaints(whole=True), [])

    def test_other_output(self):
        self.case('ok.x', 'OUT=other kcodbg x', 'hello\n')
        self.assertComplains('standard output differs')

    def test_missing_golden_file(self):
        self.case('ok.x', 'kcodbg x', None)
        self.assertComplains('there is no ok.x.out')

    def test_golden_file_without_case(self):
        self.case('ok.x', 'kcodbg x')
        (self.folder / 'ok.y.out').write_text('')
        self.assertComplains('belongs to no case')

    def test_exit_status(self):
        for name, status in (('ok.x', 1), ('rows.x', 0), ('err.x', 1), ('err.y', 0)):
            self.case(name, f'ERR="kcodbg: no" STATUS={status} kcodbg x', '', 'kcodbg: no\n')
            self.assertComplains(f'{name}: exit status {status}')

    def test_status_line_narrows(self):
        self.case('err.x', '# status: 4\nERR="kcodbg: no" STATUS=3 kcodbg x', '', 'kcodbg: no\n')
        self.assertComplains('exit status 3, not [4]')

    def test_silent_failure(self):
        self.case('err.x', 'STATUS=2 kcodbg x')
        self.assertComplains('without a word')

    def test_words_on_standard_error(self):
        self.case('ok.x', 'ERR="kcodbg: warning" kcodbg x')
        self.assertComplains('standard error without')

    def test_standard_error_without_the_programs_name(self):
        self.case('err.x', 'ERR="Segmentation fault" STATUS=2 kcodbg x', '', 'Segmentation fault\n')
        self.assertComplains("on standard error: 'Segmentation fault'")

    def test_output_that_is_not_json(self):
        self.case('ok.x', 'OUT=hello kcodbg x --json', 'hello\n')
        self.assertComplains('is not JSON')

    def test_undocumented_key(self):
        row = '{"a":1,"z":2}'
        self.case('ok.x', f"OUT='{row}' kcodbg x --json", row + '\n')
        self.assertComplains('z is not documented')

    def test_undocumented_nested_key(self):
        row = '{"list":[{"c":"x","d":1}]}'
        self.case('ok.x', f"OUT='{row}' kcodbg x --json", row + '\n')
        self.assertComplains('list[].d is not documented')

    def test_key_of_another_type(self):
        for row in ('{"a":"1"}', '{"a":true}', '{"a":1.5}', '{"b":31}', '{"b":"1f"}', '{"b":"0x01"}', '{"list":{}}'):
            self.case('ok.x', f"OUT='{row}' kcodbg x --json", row + '\n')
            self.assertComplains(', not ')

    def test_reasons_need_no_schema(self):
        row = '{"a":1,"error":"not saved","why":null,"list":[{"error":"x","why":"y"}]}'
        self.case('ok.x', f"OUT='{row}' kcodbg x --json", row + '\n')
        self.assertEqual(self.complaints(), [])

    def test_documented_key_that_no_case_prints(self):
        row = '{"a":1}'
        self.case('ok.x', f"OUT='{row}' kcodbg x --json", row + '\n')
        self.assertTrue(any('the key list[].c is documented' in c for c in self.complaints(whole=True)))
        (self.folder / 'unseen').write_text('# why\nb\nlist\nlist[].c  none here\n')
        self.assertEqual(self.complaints(whole=True), [])
        (self.folder / 'unseen').write_text('a\nb\nlist\nlist[].c\n')
        self.assertComplains('the key a is listed in unseen, but a case prints it')

    def test_unknown_class(self):
        self.case('okay.x', 'kcodbg x')
        self.assertComplains('its class is none of')

    def test_empty_folder(self):
        self.assertComplains('there is no case')

    def test_update_writes_what_it_got(self):
        self.case('ok.x', 'OUT=hello kcodbg x', None)
        run.run_folder(self.folder, str(self.kcodbg), self.schema, update=True)
        self.assertEqual((self.folder / 'ok.x.out').read_text(), 'hello\n')


if __name__ == '__main__':
    unittest.main()
