/* SPDX-License-Identifier: ISC
 *
 * Words for the WMO weather interpretation codes that Open-Meteo uses (from WMO code table 4677).
 */
#ifndef CUACA_WMO_H
#define CUACA_WMO_H

enum lang { LANG_EN, LANG_ID, LANG__MAX };

/* Description of code; that of an unknown code is "Unknown" or "Tidak diketahui". Static. */
const char *wmo_text(int code, enum lang lang);

#endif
