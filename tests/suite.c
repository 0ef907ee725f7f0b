#include "tests/suite.h"

#include <stdlib.h>

int
mr_suite_run(const char *name, const struct mr_test_row *rows, size_t count)
{
    TCase *tests = tcase_create(name);
    tcase_set_timeout(tests, 60);
    for (size_t i = 0; i < count; i++) {
        tcase_add_loop_test(tests, rows[i].test, 0, rows[i].loops);
    }
    Suite *suite = suite_create(name);
    suite_add_tcase(suite, tests);
    SRunner *runner = srunner_create(suite);
    srunner_run_all(runner, CK_ENV);
    int failed = srunner_ntests_failed(runner);
    srunner_free(runner);
    return failed == 0 ? EXIT_SUCCESS : EXIT_FAILURE;
}
