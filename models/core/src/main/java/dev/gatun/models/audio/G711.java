package dev.gatun.models.audio;

/** Companded samples (ITU-T G.711) to 16-bit linear ones. */
final class G711 {
    private G711() {
    }

    static int muLaw(byte code) {
        int inverted = ~code & 0xff;
        int magnitude = ((inverted & 15) << 3 | 0x84) << (inverted >> 4 & 7);
        return (inverted & 0x80) != 0 ? 0x84 - magnitude : magnitude - 0x84;
    }

    static int aLaw(byte code) {
        int toggled = (code ^ 0x55) & 0xff;
        int exponent = toggled >> 4 & 7;
        int mantissa = (toggled & 15) << 4 | 8;
        int magnitude = exponent == 0 ? mantissa : (mantissa | 0x100) << exponent - 1;
        return (toggled & 0x80) != 0 ? magnitude : -magnitude;
    }
}
