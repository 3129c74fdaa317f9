package dev.gatun.models.train;

import dev.gatun.tensor.Shape;
import dev.gatun.tensor.graph.Conv;
import java.lang.foreign.Arena;
import java.lang.foreign.MemorySegment;

/**
 * A convolution over pictures as products, picture by picture: what lies under the window at each place is a column. y = W columns + b;
 * dW = dy columns^T, the columns' gradients W^T dy go back to where they came from.
 */
final class ConvRule implements Rule {
    private final Parameter weight;
    private final Parameter bias;
    private final MemorySegment x;
    private final MemorySegment y;
    private final MemorySegment dx;
    private final MemorySegment dy;
    private final MemorySegment columns;
    private final MemorySegment transposed;
    private final Runnable[] products;
    private final Runnable[] toWeight;
    private final Runnable[] toColumns;
    private final long[] strides;
    private final long[] dilations;
    private final long[] padding;
    private final long n;
    private final long c;
    private final long h;
    private final long w;
    private final long oc;
    private final long kh;
    private final long kw;
    private final long oh;
    private final long ow;

    /** @param dx null if nobody wants it */
    ConvRule(Arena arena, Conv conv, Parameter weight, Parameter bias, Shape source, Shape result, MemorySegment x, MemorySegment y,
            MemorySegment dx, MemorySegment dy) {
        this.weight = weight;
        this.bias = bias;
        this.x = x;
        this.y = y;
        this.dx = dx;
        this.dy = dy;
        this.strides = conv.window().strides();
        this.dilations = conv.window().dilations();
        this.padding = conv.window().paddingBegin();
        this.n = source.dim(0);
        this.c = source.dim(1);
        this.h = source.dim(2);
        this.w = source.dim(3);
        this.oc = result.dim(1);
        this.oh = result.dim(2);
        this.ow = result.dim(3);
        this.kh = weight.value().shape().dim(2);
        this.kw = weight.value().shape().dim(3);
        long taps = c * kh * kw;
        long places = oh * ow;
        this.columns = Rule.floats(arena, taps * places);
        this.transposed = Rule.floats(arena, taps * oc);
        this.products = new Runnable[(int) n];
        this.toWeight = new Runnable[(int) n];
        this.toColumns = new Runnable[(int) n];
        for (int i = 0; i < n; i++) {
            MemorySegment out = y.asSlice(i * oc * places * Float.BYTES);
            MemorySegment gradient = dy.asSlice(i * oc * places * Float.BYTES, oc * places * Float.BYTES);
            products[i] = Rule.product(arena, weight.value().segment(), new Factor(columns, places, 1), null, out, false, oc, places, taps);
            toWeight[i] = Rule.product(arena, gradient, new Factor(columns, 1, places), null, weight.gradient().segment(), true, oc, taps,
                    places);
            toColumns[i] = Rule.product(arena, transposed, new Factor(gradient, places, 1), null, columns, false, taps, places, oc);
        }
    }

    /** Between picture i and the columns: gathers what lies under the window, or adds the columns to where they came from. */
    private void move(long picture, boolean gather) {
        long column = 0;
        for (long ic = 0; ic < c; ic++) {
            long plane = (picture * c + ic) * h * w;
            for (long i = 0; i < kh; i++) {
                for (long j = 0; j < kw; j++, column += oh * ow) {
                    long down = i * dilations[0] - padding[0];
                    long right = j * dilations[1] - padding[1];
                    tap(plane, column, down, right, gather);
                }
            }
        }
    }

    private void tap(long plane, long column, long down, long right, boolean gather) {
        long sh = strides[0];
        long sw = strides[1];
        for (long p = 0; p < oh; p++) {
            long row = p * sh + down;
            boolean inside = row >= 0 && row < h;
            for (long q = 0; q < ow; q++) {
                long at = q * sw + right;
                boolean real = inside && at >= 0 && at < w;
                if (gather) {
                    Rule.set(columns, column + p * ow + q, real ? Rule.at(x, plane + row * w + at) : 0);
                } else if (real) {
                    Rule.add(dx, plane + row * w + at, Rule.at(columns, column + p * ow + q));
                }
            }
        }
    }

    @Override
    public void forward(boolean training) {
        for (int i = 0; i < n; i++) {
            move(i, true);
            products[i].run();
            for (long o = 0; bias != null && o < oc; o++) {
                float add = bias.value().getFloat(o);
                for (long p = 0; p < oh * ow; p++) {
                    Rule.add(y, (i * oc + o) * oh * ow + p, add);
                }
            }
        }
    }

    @Override
    public void backward() {
        Rule.transpose(weight.value().segment(), oc, c * kh * kw, transposed);
        for (int i = 0; i < n; i++) {
            move(i, true);
            toWeight[i].run();
            if (dx != null) {
                toColumns[i].run();
                move(i, false);
            }
            for (long o = 0; bias != null && o < oc; o++) {
                float sum = 0;
                for (long p = 0; p < oh * ow; p++) {
                    sum += Rule.at(dy, (i * oc + o) * oh * ow + p);
                }
                Rule.add(bias.gradient().segment(), o, sum);
            }
        }
    }
}
