/* SPDX-License-Identifier: ISC
 *
 * The counters themselves.
 */
#include "base/cost.h"

_Thread_local struct cost cost;
