package dev.gatun.models.onnx;

import java.lang.foreign.ValueLayout;

/** Cast, CastLike, BitCast. */
final class CastOps {
    private CastOps() {
    }

    /** The kernel of this family, or null. */
    static Kernel find(String op) {
        return switch (op) {
            case "Cast" -> Operators.one(c -> {
                OnnxType to = OnnxType.ofCode(c.i("to", 0));
                c.require(to != null, "the type " + c.i("to", 0) + " is not known");
                return cast(c, c.in(0), to);
            });
            case "CastLike" -> Operators.one(c -> cast(c, c.in(0), c.in(1).type()));
            case "BitCast" -> Operators.one(c -> {
                OnnxType to = OnnxType.ofCode(c.i("to", 0));
                OnnxTensor x = c.in(0);
                c.require(to != null && to.byteSize() == x.type().byteSize(), "both types must have one size");
                return x.as(to);
            });
            default -> null;
        };
    }

    /** In another type: saturated for 8-bit floats unless told otherwise, cut off for integers. */
    static OnnxTensor cast(Call c, OnnxTensor x, OnnxType to) {
        if (x.type() == to) {
            return x;
        }
        if (to == OnnxType.STRING) {
            return toTexts(c, x);
        }
        OnnxTensor y = c.make(to, x.dims());
        if (x.type() == OnnxType.STRING) {
            fromTexts(x, y);
            return y;
        }
        boolean small = to.isReal() && to.byteSize() == 1;
        boolean saturate = c.i("saturate", 1) != 0;
        int mode = switch (c.s("round_mode", "up")) {
            case "down" -> 1;
            case "nearest" -> 2;
            default -> 0;
        };
        Elements e = c.elements();
        for (long from = 0; from < x.size(); from += Elements.SIZE) {
            int count = Elements.count(x.size() - from);
            if (!x.type().isReal() && !to.isReal()) {
                e.read(x, from, 1, e.p, count);
                e.write(y, from, 1, e.p, count);
                continue;
            }
            e.read(x, from, 1, e.a, count);
            for (int i = 0; i < count && small; i++) {
                y.segment().set(ValueLayout.JAVA_BYTE, from + i, to == OnnxType.FLOAT8E8M0
                        ? SmallFloats.powerOfTwo(e.a[i], saturate, mode) : SmallFloats.write(to, e.a[i], saturate));
            }
            if (!small) {
                e.write(y, from, 1, e.a, count);
            }
        }
        return y;
    }

    private static OnnxTensor toTexts(Call c, OnnxTensor x) {
        String[] texts = new String[Math.toIntExact(x.size())];
        for (int i = 0; i < texts.length; i++) {
            texts[i] = switch (x.type().kind()) {
                case REAL -> number(x.type() == OnnxType.DOUBLE ? Double.toString(x.real(i)) : Float.toString((float) x.real(i)));
                case UNSIGNED -> Long.toUnsignedString(x.whole(i));
                case BOOL -> x.whole(i) != 0 ? "True" : "False";
                default -> Long.toString(x.whole(i));
            };
        }
        return c.texts(texts, x.dims());
    }

    private static String number(String java) {
        return switch (java) {
            case "NaN" -> "nan";
            case "Infinity" -> "inf";
            case "-Infinity" -> "-inf";
            default -> java.endsWith(".0") ? java.substring(0, java.length() - 2) : java;
        };
    }

    private static void fromTexts(OnnxTensor x, OnnxTensor y) {
        for (long i = 0; i < x.size(); i++) {
            String text = x.text(i).strip();
            if (y.type().isReal()) {
                y.put(i, switch (text.toLowerCase(java.util.Locale.ROOT)) {
                    case "nan" -> Double.NaN;
                    case "inf", "+inf", "infinity" -> Double.POSITIVE_INFINITY;
                    case "-inf", "-infinity" -> Double.NEGATIVE_INFINITY;
                    default -> Double.parseDouble(text);
                });
            } else {
                y.putWhole(i, (long) Double.parseDouble(text));
            }
        }
    }

    /** As FLOAT, the same tensor if it is. */
    static OnnxTensor floats(Call c, OnnxTensor x) {
        if (x.type() == OnnxType.FLOAT) {
            return x;
        }
        OnnxTensor y = c.make(OnnxType.FLOAT, x.dims());
        Elements e = c.elements();
        for (long from = 0; from < x.size(); from += Elements.SIZE) {
            int count = Elements.count(x.size() - from);
            e.read(x, from, 1, e.a, count);
            e.write(y, from, 1, e.a, count);
        }
        return y;
    }
}
