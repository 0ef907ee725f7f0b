#include "tests/sandbox/bpf.h"

#include <check.h>
#include <string.h>

static uint32_t
compute(uint16_t code, uint32_t a, uint32_t operand)
{
    switch (BPF_OP(code)) {
    case BPF_ADD:
        return a + operand;
    case BPF_AND:
        return a & operand;
    case BPF_OR:
        return a | operand;
    case BPF_RSH:
        return a >> operand;
    case BPF_LSH:
        return a << operand;
    default:
        ck_abort_msg("an arithmetic instruction %#x we do not know", code);
        return 0;
    }
}

static int
jump_taken(uint16_t code, uint32_t a, uint32_t operand)
{
    switch (BPF_OP(code)) {
    case BPF_JEQ:
        return a == operand;
    case BPF_JGT:
        return a > operand;
    case BPF_JGE:
        return a >= operand;
    case BPF_JSET:
        return (a & operand) != 0;
    default:
        ck_abort_msg("a jump %#x we do not know", code);
        return 0;
    }
}

uint32_t
bpf_run(const struct sock_filter *code, unsigned length, const struct seccomp_data *call)
{
    uint32_t a = 0, memory[BPF_MEMWORDS] = { 0 };

    for (unsigned at = 0; at < length; at++) {
        const struct sock_filter *i = &code[at];
        switch (BPF_CLASS(i->code)) {
        case BPF_LD:
            if (BPF_MODE(i->code) == BPF_ABS) {
                ck_assert_uint_le(i->k + 4, sizeof(*call));
                memcpy(&a, (const char *)call + i->k, sizeof(a));
            } else {
                ck_assert_uint_eq(BPF_MODE(i->code), BPF_MEM);
                a = memory[i->k];
            }
            break;
        case BPF_ST:
            memory[i->k] = a;
            break;
        case BPF_ALU:
            a = compute(i->code, a, i->k);
            break;
        case BPF_JMP:
            at += BPF_OP(i->code) == BPF_JA ? i->k
                                            : (jump_taken(i->code, a, i->k) ? i->jt : i->jf);
            break;
        case BPF_RET:
            return i->k;
        default:
            ck_abort_msg("an instruction %#x we do not know", i->code);
        }
    }
    ck_abort_msg("the program ran past its end");
    return 0;
}
