#include "poller/exact_number.h"

enum { MAX_EXPONENT = 1000000000 }; /* further out, all are alike */

static int64_t
read_exponent(struct mr_slice text)
{
    int64_t value = 0;
    bool negative = text.size > 0 && text.data[0] == '-';
    for (size_t i = 0; i < text.size; i++) {
        if (text.data[i] >= '0' && text.data[i] <= '9' && value < MAX_EXPONENT) {
            value = value * 10 + (text.data[i] - '0');
        }
    }
    return negative ? -value : value;
}

struct mr_exact_number
mr_exact_number_of(struct mr_slice text)
{
    struct mr_exact_number number = { 0 };
    bool negative = text.size > 0 && text.data[0] == '-';
    size_t first = SIZE_MAX, last = 0, point = SIZE_MAX, end = text.size;
    int64_t shift = 0;

    for (size_t i = negative; i < text.size; i++) {
        uint8_t c = text.data[i];
        if (c == 'e' || c == 'E') {
            shift = read_exponent(mr_slice_from(text, i + 1));
            end = i;
            break;
        }
        if (c == '.') {
            point = i;
        } else if (c != '0') {
            first = first == SIZE_MAX ? i : first;
            last = i;
        }
    }
    if (first == SIZE_MAX) {
        return number;
    }
    point = point == SIZE_MAX ? end : point;
    number.sign = negative ? -1 : 1;
    number.exponent =
        shift + (first < point ? (int64_t)(point - first) - 1 : -(int64_t)(first - point));
    number.text = mr_slice_of(text.data + first, last - first + 1);
    return number;
}

/* The next digit, or 0 at the end, which is below every digit. */
static uint8_t
next_digit(struct mr_slice *text)
{
    if (text->size > 0 && text->data[0] == '.') {
        *text = mr_slice_from(*text, 1);
    }
    if (text->size == 0) {
        return 0;
    }
    uint8_t digit = text->data[0];
    *text = mr_slice_from(*text, 1);
    return digit;
}

static int
compare_digits(struct mr_slice a, struct mr_slice b)
{
    while (a.size > 0 || b.size > 0) {
        uint8_t x = next_digit(&a), y = next_digit(&b);
        /* Behind the end stand zeros; a last digit is never one. */
        x = x == 0 ? '0' : x;
        y = y == 0 ? '0' : y;
        if (x != y) {
            return x < y ? -1 : 1;
        }
    }
    return 0;
}

int
mr_exact_number_compare(const struct mr_exact_number *a, const struct mr_exact_number *b)
{
    if (a->sign != b->sign || a->sign == 0) {
        return a->sign - b->sign;
    }
    if (a->exponent != b->exponent) {
        return a->exponent < b->exponent ? -a->sign : a->sign;
    }
    return a->sign * compare_digits(a->text, b->text);
}
