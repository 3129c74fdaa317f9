package dev.gatun.cli;

import dev.gatun.bindings.loader.ThreadCount;
import picocli.CommandLine.ITypeConverter;
import picocli.CommandLine.TypeConversionException;

/** Whole numbers that options take: what is less, or none, is misuse, and picocli names the option. */
final class Least {
    private Least() {
    }

    private static int of(String value, int least) {
        try {
            int number = Integer.parseInt(value);
            if (number >= least) {
                return number;
            }
        } catch (NumberFormatException e) {
            // Said below.
        }
        throw new TypeConversionException("must be a whole number of " + least + " or more, not " + value);
    }

    /** 0 or more. */
    static final class Zero implements ITypeConverter<Integer> {
        @Override
        public Integer convert(String value) {
            return of(value, 0);
        }
    }

    /** As many cores as the process may use at most. */
    static final class Cores implements ITypeConverter<Integer> {
        @Override
        public Integer convert(String value) {
            try {
                return ThreadCount.checked(of(value, 1));
            } catch (IllegalArgumentException e) {
                throw new TypeConversionException(e.getMessage());
            }
        }
    }

    /** 1 or more. */
    static final class One implements ITypeConverter<Integer> {
        @Override
        public Integer convert(String value) {
            return of(value, 1);
        }
    }
}
