# SPDX-License-Identifier: ISC
# Cuaca. GNU make. `make up` runs it, `make check` tests it; README.md lists the rest.
#
# A program is a folder: all its .c files, linked with the layers of lib/ that it may use.

# Where things go when they are installed; DESTDIR is prepended for packages.
prefix = /usr/local
bindir = $(prefix)/bin
libexecdir = $(prefix)/lib/cuaca
datadir = $(prefix)/share/cuaca
mandir = $(prefix)/share/man
sysconfdir = /etc

# SAN=1 builds with ASan and UBSan, COV=1 for coverage, FUZZ=1 for libFuzzer, each in a folder of its own.
B := build$(if $(SAN),-san)$(if $(COV),-cov)$(if $(FUZZ),-fuzz)
export CUACA_BUILD := $(B)

comma := ,
CC = $(if $(FUZZ),clang-14,gcc)
CFLAGS = -O2 -g
warnings := -Wall -Wextra -Wshadow -Wstrict-prototypes -Wmissing-prototypes -Wformat=2 -Wundef
override CFLAGS += -std=c11 $(warnings) $(if $(WERROR),-Werror)
override CPPFLAGS += -D_GNU_SOURCE -Ilib -I$(B)/gen -I$(shell pg_config --includedir 2>/dev/null)
sanitizers := $(if $(SAN),address$(comma)undefined)$(if $(FUZZ),fuzzer-no-link$(comma)address$(comma)undefined)
hardening := -fstack-protector-strong -D_FORTIFY_SOURCE=2 -fPIE
override CFLAGS += $(if $(sanitizers),-fsanitize=$(sanitizers) -fno-omit-frame-pointer,$(if $(COV),--coverage -O0,$(hardening)))
override LDFLAGS += $(if $(sanitizers),-fsanitize=$(sanitizers),$(if $(COV),--coverage,-pie -Wl$(comma)--as-needed$(comma)-z$(comma)relro$(comma)-z$(comma)now))
# Libraries, a driver each; libnats of Debian 12 has a pkg-config file that names more than we link.
db_libs = -lpq
cache_libs = -lhiredis
bus_libs = -lnats -lcrypto
token_libs = -ljwt
fetch_libs = -lcurl
digest_libs = -lsodium
web_libs = -lfcgi
weather_libs = -lcjson
chat_libs = -lcjson
base_libs = -linih -lpthread -lm

layers := base drivers chat weather web
programs := $(addprefix $(B)/, fcgi-bin/weather.fcgi fcgi-bin/ops.fcgi cron/weather-ingest \
	$(foreach p, fcgi-bin/chat ws-handlers/chat cron/chat-archive, $(if $(wildcard $(p)/main.c), $(p:fcgi-bin/%=fcgi-bin/%.fcgi))))
commands := $(B)/cron/cuacactl

objects = $(patsubst %.c,$(B)/obj/%.o,$(wildcard $(1)/*.c))
archives = $(foreach l,$(1),$(B)/obj/$(l).a)

all: $(programs) $(commands)

$(B)/fcgi-bin/weather.fcgi: $(call objects,fcgi-bin/weather) $(call archives,web weather drivers base)
	@mkdir -p $(@D)
	$(CC) $(LDFLAGS) -o $@ $^ $(web_libs) $(db_libs) $(cache_libs) $(digest_libs) $(weather_libs) $(base_libs)

$(B)/fcgi-bin/ops.fcgi: $(call objects,fcgi-bin/ops) $(B)/obj/openapi.json.o $(call archives,web weather drivers base)
	@mkdir -p $(@D)
	$(CC) $(LDFLAGS) -o $@ $^ $(web_libs) $(db_libs) $(cache_libs) $(bus_libs) $(digest_libs) $(weather_libs) $(base_libs)

$(B)/fcgi-bin/chat.fcgi: $(call objects,fcgi-bin/chat) $(call archives,web chat drivers base)
	@mkdir -p $(@D)
	$(CC) $(LDFLAGS) -o $@ $^ $(web_libs) $(chat_libs) $(db_libs) $(cache_libs) $(bus_libs) $(token_libs) $(digest_libs) $(base_libs)

# One process for each connection: no PostgreSQL, no curl, no FastCGI.
$(B)/ws-handlers/chat: $(call objects,ws-handlers/chat) $(call archives,chat drivers base)
	@mkdir -p $(@D)
	$(CC) $(LDFLAGS) -o $@ $^ $(chat_libs) $(cache_libs) $(bus_libs) $(token_libs) $(base_libs)

$(B)/cron/chat-archive: $(call objects,cron/chat-archive) $(call archives,chat drivers base)
	@mkdir -p $(@D)
	$(CC) $(LDFLAGS) -o $@ $^ $(chat_libs) $(db_libs) $(cache_libs) $(bus_libs) $(base_libs)

$(B)/cron/weather-ingest: $(call objects,cron/weather-ingest) $(call archives,weather drivers base)
	@mkdir -p $(@D)
	$(CC) $(LDFLAGS) -o $@ $^ $(weather_libs) $(fetch_libs) $(db_libs) $(cache_libs) $(bus_libs) $(base_libs)

$(B)/cron/cuacactl: $(call objects,cron/cuacactl) $(call archives,chat weather drivers base)
	@mkdir -p $(@D)
	$(CC) $(LDFLAGS) -o $@ $^ $(weather_libs) $(db_libs) $(cache_libs) $(bus_libs) $(digest_libs) $(base_libs)

define layer
$(B)/obj/$(1).a: $(call objects,lib/$(1)) $(if $(filter drivers,$(1)),$(B)/gen/sql.o)
	rm -f $$@ && $(AR) rcs $$@ $$^
endef
$(foreach l,$(layers),$(eval $(call layer,$(l))))

$(B)/obj/%.o: %.c | $(B)/gen/sql.h
	@mkdir -p $(@D)
	$(CC) $(CPPFLAGS) $(CFLAGS) -MMD -MP -c -o $@ $<

$(B)/gen/sql.o: $(B)/gen/sql.c
	$(CC) $(CPPFLAGS) $(CFLAGS) -MMD -MP -c -o $@ $<

queries := $(wildcard sql/queries/*.sql)

$(B)/gen/sql.h: sql/gen.awk $(queries)
	@mkdir -p $(@D)
	awk -f sql/gen.awk -v what=h $(queries) > $@.new && mv $@.new $@

$(B)/gen/sql.c: sql/gen.awk $(queries) $(B)/gen/sql.h
	awk -f sql/gen.awk -v what=c $(queries) > $@.new && mv $@.new $@

# Where cuacactl finds the rest once it is installed; anew only when that has changed.
$(B)/gen/folders.h: FORCE
	@mkdir -p $(@D)
	@printf '#define CUACA_%s "%s"\n' LIBEXECDIR '$(libexecdir)' DATADIR '$(datadir)' >$@.new
	@if cmp -s $@.new $@; then rm $@.new; else mv $@.new $@; fi

$(B)/obj/cron/cuacactl/run.o: $(B)/gen/folders.h

# ld names the symbols after the path it was given, so it runs in the file's folder.
$(B)/obj/openapi.json.o: fcgi-bin/ops/openapi.json
	@mkdir -p $(@D)
	cd $(<D) && $(LD) -r -b binary -z noexecstack -o '$(CURDIR)/$@' $(<F)

-include $(shell find $(B) -name '*.d' 2>/dev/null)

# The private stack: everything it does is in etc/stack/.

up:
	@etc/stack/packages up
	@$(MAKE) --no-print-directory -s all
	@etc/stack/up

down status logs ingest:
	@etc/stack/$@

# make ctl ARGS="city list": cuacactl in the running stack.
ctl:
	@etc/stack/ctl $(ARGS)

# Tests. Everything built with warnings as errors, then prove over all of tests/.

# Every .c of the programs but their main.c, and all layers: what a test program may call.
tested := $(filter-out %/main.o,$(call objects,cron/weather-ingest) $(call objects,fcgi-bin/weather) $(call objects,ws-handlers/chat)) $(call archives,web chat weather drivers base)
tested_libs = $(weather_libs) $(web_libs) $(fetch_libs) $(db_libs) $(cache_libs) $(bus_libs) $(token_libs) $(digest_libs) $(base_libs)

unit_sources := $(wildcard tests/unit/t_*.c)
unit_programs := $(unit_sources:%.c=$(B)/%)

$(B)/tests/unit/t_%: $(B)/obj/tests/unit/t_%.o $(tested)
	@mkdir -p $(@D)
	$(CC) $(LDFLAGS) -o $@ $^ -lcmocka $(tested_libs)

unit: $(unit_programs)

check:
	@etc/stack/packages check
	@$(MAKE) --no-print-directory -s WERROR=1 all unit
	@$(MAKE) --no-print-directory -s check-layers $(if $(SAN)$(COV),,lint)
	@$(MAKE) --no-print-directory -s browser || echo 'check: npm cannot get playwright-core: the tests in a browser are skipped'
	@tests/run

# What tests/browser/ drives chromium with.
browser: $(B)/browser/node_modules/playwright-core

$(B)/browser/node_modules/playwright-core: tests/browser/package.json
	@mkdir -p $(B)/browser
	cp $< $(B)/browser
	npm install --no-audit --no-fund --loglevel=error --fetch-retries=1 --fetch-timeout=20000 --prefix $(B)/browser
	@touch $@

# make fuzz FUZZ_SECONDS=600: each target of tests/fuzz/ for that long.
fuzz_programs := $(patsubst %.c,$(B)/%,$(wildcard tests/fuzz/f_*.c))

$(B)/tests/fuzz/f_%: $(B)/obj/tests/fuzz/f_%.o $(tested)
	@mkdir -p $(@D)
	$(CC) $(LDFLAGS) -fsanitize=fuzzer -o $@ $^ $(tested_libs)

fuzz-programs: $(fuzz_programs)

fuzz:
	@$(MAKE) --no-print-directory -s FUZZ=1 WERROR=1 fuzz-programs
	@tests/fuzz/run

check-unit:
	@$(MAKE) --no-print-directory -s WERROR=1 unit
	@tests/run tests/unit

check-layers:
	@tests/layers

lint:
	@tests/lint

cover:
	@$(MAKE) --no-print-directory COV=1 check
	gcovr --root . --object-directory build-cov --exclude tests/ --print-summary --html-details build-cov/coverage.html

# The API's description as a page to read; needs npm.
docs-api: $(B)/docs/node_modules/.bin/redocly
	$< build-docs fcgi-bin/ops/openapi.json --output $(B)/docs/api.html

$(B)/docs/node_modules/.bin/redocly:
	npm install --no-audit --no-fund --prefix $(B)/docs @redocly/cli

bench: all
	@etc/stack/packages check
	@tests/bench/run

# The chat beside a plain Node server; needs npm.
bench-chat: all $(B)/tests/bench-chat/load $(B)/bench-chat/node_modules/ws
	@etc/stack/packages check
	@ulimit -n "$$(ulimit -H -n)" && tests/bench-chat/run

$(B)/tests/bench-chat/load: $(call objects,tests/bench-chat) $(call archives,base)
	@mkdir -p $(@D)
	$(CC) $(LDFLAGS) -o $@ $^ $(chat_libs) $(base_libs)

$(B)/bench-chat/node_modules/ws: tests/bench-chat/package.json
	@mkdir -p $(B)/bench-chat
	cp $< $(B)/bench-chat
	npm install --no-audit --no-fund --prefix $(B)/bench-chat
	@touch $@

install: all
	install -d '$(DESTDIR)$(bindir)' '$(DESTDIR)$(libexecdir)' '$(DESTDIR)$(datadir)' '$(DESTDIR)$(mandir)/man8' '$(DESTDIR)$(sysconfdir)/cuaca'
	install -m 755 $(programs) '$(DESTDIR)$(libexecdir)'
	install -m 755 $(commands) '$(DESTDIR)$(bindir)'
	install -m 644 $(wildcard fcgi-bin/*/*.8 ws-handlers/*/*.8 cron/*/*.8) '$(DESTDIR)$(mandir)/man8'
	cp -R sql www etc '$(DESTDIR)$(datadir)'
	test -e '$(DESTDIR)$(sysconfdir)/cuaca/cuaca.conf' || install -m 640 etc/cuaca.conf '$(DESTDIR)$(sysconfdir)/cuaca/cuaca.conf'

FORCE:

clean:
	rm -rf build build-san build-cov build-fuzz

.PHONY: FORCE all docs-api up down status logs ingest ctl unit check check-unit check-layers browser lint cover fuzz fuzz-programs bench bench-chat install clean
.DELETE_ON_ERROR:
