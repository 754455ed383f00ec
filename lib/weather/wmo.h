/* SPDX-License-Identifier: ISC
 *
 * Words for the WMO weather interpretation codes that Open-Meteo uses (from WMO code table 4677).
 */
#ifndef CUACA_WMO_H
#define CUACA_WMO_H

/* English description of code; "Unknown" for one that is not in the table. Static. */
const char *wmo_text(int code);

#endif
