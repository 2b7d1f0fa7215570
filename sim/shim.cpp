// SPDX-License-Identifier: Apache-2.0
// C functions around one verilated stream design, so that Python hands over whole arrays and is not woken
// each cycle. The top has clk, rst and two streams i and o; other inputs stay 0.
//
// A word on a stream is 34 bits: data in [31:0], `first` in [32], `last` in [33].
#include "Vtop.h"

#include <cstdint>
#include <memory>
#include <string>

// Verilator writes the double underscore of a port's name as "___05F".
#define PORT(stream, field) stream##___05F##field

namespace {

constexpr uint64_t FIRST = uint64_t{1} << 32;
constexpr uint64_t LAST = uint64_t{1} << 33;

// xorshift64: only decides when to idle and to stall, never what the bits are.
struct Coin {
    uint64_t state;
    explicit Coin(uint64_t seed) : state{seed * 0x9e3779b97f4a7c15u + 0x2545f4914f6cdd1du} {
        if (!state) state = 1;
    }
    bool flip(uint32_t permille) {
        if (!permille) return false;
        state ^= state << 13;
        state ^= state >> 7;
        state ^= state << 17;
        return (state >> 32) * 1000 >> 32 < permille;
    }
};

struct Model {
    VerilatedContext context;
    Vtop top{&context};
    uint64_t cycles = 0;
    std::string fault;

    // What the stream checker remembers of output o.
    bool held = false;
    uint64_t held_payload = 0;
    bool in_packet = false;

    // The first half of a cycle: inputs are set, everything combinational settles.
    void settle() {
        top.clk = 0;
        top.eval();
    }

    // The second half: the clock edge.
    void edge() {
        top.clk = 1;
        top.eval();
        ++cycles;
    }

    void spin(uint64_t n) {
        top.PORT(i, valid) = 0;
        top.PORT(o, ready) = 0;
        while (n--) {
            settle();
            edge();
        }
    }

    void reset() {
        top.rst = 1;
        spin(2);
        top.rst = 0;
        held = in_packet = false;
        fault.clear();
    }

    int64_t fail(const std::string& what) {
        fault = what + " at cycle " + std::to_string(cycles);
        return -1;
    }

    // Rules of a stream: valid and payload hold until the transfer, and packets run first ... last.
    const char* check(bool valid, bool transfer, uint64_t payload) {
        if (held && !valid) return "Output valid must hold until the transfer, but fell";
        if (held && payload != held_payload) return "Output payload must hold until the transfer, but changed";
        held = valid && !transfer;
        held_payload = payload;
        if (transfer) {
            if (bool(payload & FIRST) == in_packet)
                return in_packet ? "Output packet must end with last, but first came again"
                                 : "Output packet must begin with first, but first was 0";
            in_packet = !(payload & LAST);
        }
        return nullptr;
    }

    int64_t exchange(const uint64_t* in, uint64_t n_in, uint64_t* out, uint64_t capacity, uint64_t packets,
                     uint64_t max_idle_cycles, uint32_t idle_permille, uint32_t stall_permille, uint64_t seed) {
        Coin coin{seed};
        uint64_t sent = 0, received = 0, idle = 0;
        bool offered = false;
        while (sent < n_in || packets) {
            // An offered word stays; a new one is offered unless the coin says to idle.
            offered = offered || (sent < n_in && !coin.flip(idle_permille));
            top.PORT(i, valid) = offered;
            if (offered) top.PORT(i, payload) = in[sent];
            top.PORT(o, ready) = packets && !coin.flip(stall_permille);
            settle();

            const bool taken = offered && top.PORT(i, ready);
            const bool valid = top.PORT(o, valid);
            const bool given = valid && top.PORT(o, ready);
            const uint64_t payload = top.PORT(o, payload);
            if (const char* broken = check(valid, given, payload)) return fail(broken);
            if (given) {
                if (received == capacity)
                    return fail("Output must fit into " + std::to_string(capacity) + " words, but did not");
                out[received++] = payload;
                if (payload & LAST) --packets;
            }
            if (taken) {
                ++sent;
                offered = false;
            }
            edge();
            idle = taken || given ? 0 : idle + 1;
            if (idle > max_idle_cycles)
                return fail("A stream must move within " + std::to_string(max_idle_cycles) + " cycles, but after " +
                            std::to_string(sent) + " of " + std::to_string(n_in) + " words in and " +
                            std::to_string(received) + " words out (" + std::to_string(packets) +
                            " packets missing) nothing did");
        }
        top.PORT(i, valid) = 0;
        top.PORT(o, ready) = 0;
        return int64_t(received);
    }
};

}  // namespace

#define API extern "C" __attribute__((visibility("default")))

API Model* ct_create() {
    auto model = std::make_unique<Model>();
    model->reset();
    return model.release();
}
API void ct_destroy(Model* model) { delete model; }
API void ct_reset(Model* model) { model->reset(); }
API void ct_spin(Model* model, uint64_t n) { model->spin(n); }
API uint64_t ct_cycles(const Model* model) { return model->cycles; }

// Words received, or -1 after a fault, which ct_fault describes.
API int64_t ct_exchange(Model* model, const uint64_t* in, uint64_t n_in, uint64_t* out, uint64_t capacity,
                        uint64_t packets, uint64_t max_idle_cycles, uint32_t idle_permille,
                        uint32_t stall_permille, uint64_t seed) {
    return model->exchange(in, n_in, out, capacity, packets, max_idle_cycles, idle_permille, stall_permille, seed);
}
API const char* ct_fault(const Model* model) { return model->fault.c_str(); }
