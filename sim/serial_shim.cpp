// SPDX-License-Identifier: Apache-2.0
// C functions around one verilated design with a serial line: the top has clk, rst, rx, tx and is_busy. Whole
// arrays go over the line without waking Python, and the design runs no longer than it has anything to do.
//
// What goes into rx are symbols of 10 bits, the first one in bit 0: a byte b is b << 1 | 0x200; others damage it.
#include "Vtop.h"

#include <cstdint>
#include <deque>
#include <memory>

// Verilator writes a double underscore in a port's name as "___05F", a single one as it is.
namespace {

constexpr unsigned SYMBOL_BITS = 10;

struct Line {
    VerilatedContext context;
    Vtop top{&context};
    const uint32_t divisor;
    uint64_t cycles = 0;

    std::deque<uint16_t> symbols;  // still to go into rx
    uint32_t bit = 0, phase = 0;   // of the symbol that is on the line

    bool receiving = false;  // a byte on tx: sampled in the middle of its bits
    uint32_t tx_bit = 0, tx_phase = 0;
    uint8_t tx_byte = 0;

    explicit Line(uint32_t divisor) : divisor{divisor} { reset(); }

    void step() {
        top.clk = 0;
        top.eval();
        top.clk = 1;
        top.eval();
        ++cycles;
    }

    void reset() {
        symbols.clear();
        bit = phase = 0;
        receiving = false;
        top.rx = 1;
        top.rst = 1;
        step();
        step();
        top.rst = 0;
    }

    // The level of rx in this cycle; false if there is nothing left to send.
    bool drive() {
        if (symbols.empty()) {
            top.rx = 1;
            return false;
        }
        top.rx = symbols.front() >> bit & 1;
        if (++phase == divisor) {
            phase = 0;
            if (++bit == SYMBOL_BITS) {
                bit = 0;
                symbols.pop_front();
            }
        }
        return true;
    }

    // True when this cycle completes a byte on tx.
    bool sample() {
        if (!receiving) {
            if (top.tx) return false;
            receiving = true;
            tx_bit = 0;
            tx_phase = divisor / 2;
        }
        if (tx_phase--) return false;
        tx_phase = divisor - 1;
        if (tx_bit && tx_bit < SYMBOL_BITS - 1) tx_byte = uint8_t(tx_byte >> 1 | top.tx << 7);
        if (tx_bit++ < SYMBOL_BITS - 1) return false;
        receiving = false;
        return true;
    }

    // Run until everything is sent and the design has nothing left to do, at most max_cycles; the bytes from tx.
    uint64_t run(uint64_t max_cycles, uint8_t* out, uint64_t capacity) {
        const uint32_t settle = 2 * divisor + 16;  // from the last bit on rx to is_busy
        uint64_t received = 0;
        for (uint32_t idle = 0; max_cycles && received < capacity && idle < settle; --max_cycles) {
            const bool driven = drive();
            step();
            if (sample()) out[received++] = tx_byte;
            idle = driven || receiving || top.is_busy ? 0 : idle + 1;
        }
        return received;
    }

    bool idle() const { return symbols.empty() && !receiving && !top.is_busy; }
};

}  // namespace

#define API extern "C" __attribute__((visibility("default")))

API Line* cl_create(uint32_t divisor) { return std::make_unique<Line>(divisor).release(); }
API void cl_destroy(Line* line) { delete line; }
API void cl_reset(Line* line) { line->reset(); }
API uint64_t cl_cycles(const Line* line) { return line->cycles; }
API int cl_idle(const Line* line) { return line->idle(); }
API void cl_feed(Line* line, const uint16_t* symbols, uint64_t n) {
    line->symbols.insert(line->symbols.end(), symbols, symbols + n);
}
API uint64_t cl_run(Line* line, uint64_t max_cycles, uint8_t* out, uint64_t capacity) {
    return line->run(max_cycles, out, capacity);
}
