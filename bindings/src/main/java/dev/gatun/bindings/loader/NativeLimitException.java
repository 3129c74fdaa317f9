package dev.gatun.bindings.loader;

import java.util.Comparator;
import java.util.Locale;
import java.util.Map;
import java.util.stream.Collectors;

/** More native memory was wanted than {@code gatun.native.limit} allows; nothing was taken. */
public final class NativeLimitException extends IllegalStateException {
    private static final long serialVersionUID = 1;

    private final long wanted;
    private final long limit;
    private final long held;

    /**
     * A refusal.
     *
     * @param owner   who wanted them
     * @param wanted  bytes
     * @param limit   of the process
     * @param holders bytes that are held, by owner
     */
    public NativeLimitException(String owner, long wanted, long limit, Map<String, Long> holders) {
        super(owner + " wants " + megabytes(wanted) + ", and the process may hold " + megabytes(limit) + " of native memory (-D"
                + Setting.NATIVE_LIMIT.key() + "); it holds "
                + megabytes(sum(holders)) + ": " + holders.entrySet().stream()
                        .filter(holder -> holder.getValue() > 0)
                        .sorted(Map.Entry.<String, Long>comparingByValue(Comparator.reverseOrder()))
                        .map(holder -> holder.getKey() + " " + megabytes(holder.getValue())).collect(Collectors.joining(", "))
                + ". Close what is not needed, use fewer threads or shorter texts, or raise the limit");
        this.wanted = wanted;
        this.limit = limit;
        this.held = sum(holders);
    }

    private static long sum(Map<String, Long> holders) {
        return holders.values().stream().mapToLong(Long::longValue).sum();
    }

    private static String megabytes(long bytes) {
        return String.format(Locale.ROOT, "%.1f MB", bytes * 1e-6);
    }

    /** Bytes that were wanted. */
    public long wanted() {
        return wanted;
    }

    /** Bytes that the process may hold. */
    public long limit() {
        return limit;
    }

    /** Bytes that the process held when this was refused. */
    public long held() {
        return held;
    }
}
