/* SPDX-License-Identifier: ISC
 *
 * weather/lang: Accept-Language, weights and all.
 */
#include "unit.h"

#include "weather/lang.h"

static void
the_heaviest_of_ours_wins(void **state)
{
	static const struct {
		const char *header;
		enum lang lang;
	} rows[] = {
		{ "id", LANG_ID },
		{ "ID-id", LANG_ID },
		{ "in-ID", LANG_ID },
		{ "id-ID,id;q=0.9,en-US;q=0.8,en;q=0.7", LANG_ID },
		{ "en;q=0.5,id;q=0.8", LANG_ID },
		{ "en; q=0.5 ,\tid ; q=0.8", LANG_ID },
		{ "fr,id;q=0.1", LANG_ID },
		{ "en;q=0,id;q=0.001", LANG_ID },
		{ ",,,id", LANG_ID },
		{ "id;level=1", LANG_ID },
		{ "en,id", LANG_EN },
		{ "id;q=0.8,en", LANG_EN },
		{ "fr,*", LANG_EN },
		{ "id;q=0", LANG_EN },
		{ "idn", LANG_EN },
		{ "indonesian", LANG_EN },
		{ "i", LANG_EN },
		{ "", LANG_EN },
		{ " ", LANG_EN },
		{ ";q=1,;q=", LANG_EN },
		{ "id;q=-1", LANG_EN },
		{ NULL, LANG_EN },
	};

	(void)state;
	for (size_t i = 0; i < COUNT(rows); i++)
		assert_int_equal(lang_accepted(rows[i].header), rows[i].lang);
}

int
main(void)
{
	const struct CMUnitTest tests[] = { cmocka_unit_test(the_heaviest_of_ours_wins) };

	return cmocka_run_group_tests(tests, NULL, NULL);
}
