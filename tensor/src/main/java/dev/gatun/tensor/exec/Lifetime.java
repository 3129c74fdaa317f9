package dev.gatun.tensor.exec;

import java.lang.invoke.MethodHandles;
import java.lang.invoke.VarHandle;
import java.util.concurrent.locks.LockSupport;

/**
 * Guards native memory that many threads use and one closes. Users {@link #enter} and {@link #exit};
 * {@link #close} refuses new users, waits for those inside, and only then lets the memory be freed.
 * Entering allocates nothing. A user must not close what it is inside of: it would wait for itself.
 */
public final class Lifetime {
    private static final int CLOSED = 1 << 31;
    private static final long WAIT_NANOS = 50_000;
    private static final VarHandle STATE;

    static {
        try {
            STATE = MethodHandles.lookup().findVarHandle(Lifetime.class, "state", int.class);
        } catch (ReflectiveOperationException e) {
            throw new ExceptionInInitializerError(e);
        }
    }

    private final String what;
    @SuppressWarnings("unused") // through STATE
    private volatile int state;

    /** @param what names the guarded thing in error messages */
    public Lifetime(String what) {
        this.what = what;
    }

    /**
     * Keeps the thing alive until {@link #exit}.
     *
     * @throws IllegalStateException if it is closed or closing
     */
    public void enter() {
        int users = (int) STATE.getAndAdd(this, 1);
        if (users < 0) {
            STATE.getAndAdd(this, -1);
            throw new IllegalStateException(what + " is closed");
        }
    }

    /** Ends what {@link #enter} began. */
    public void exit() {
        STATE.getAndAdd(this, -1);
    }

    /**
     * Refuses new users and waits until none is inside.
     *
     * @return whether this call is the one that closed it: that caller frees, every other does nothing
     */
    public boolean close() {
        return closeBeside(() -> { });
    }

    /** The same; what is given is done again and again while somebody is inside. */
    public boolean closeBeside(Runnable waiting) {
        int before = (int) STATE.getAndBitwiseOr(this, CLOSED);
        if (before < 0) {
            return false;
        }
        while (((int) STATE.getVolatile(this) & ~CLOSED) != 0) {
            waiting.run();
            LockSupport.parkNanos(WAIT_NANOS);
        }
        return true;
    }

    /** Whether {@link #close} was called. */
    public boolean isClosed() {
        return (int) STATE.getVolatile(this) < 0;
    }
}
