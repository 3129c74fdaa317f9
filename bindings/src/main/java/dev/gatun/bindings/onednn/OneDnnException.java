package dev.gatun.bindings.onednn;

/** A oneDNN call that failed. The message has the call, the status and what it was asked for. */
public final class OneDnnException extends RuntimeException {
    private static final long serialVersionUID = 1L;

    private final int status;

    OneDnnException(String call, int status) {
        super(call + ": " + OneDnn.statusName(status));
        this.status = status;
    }

    /** The {@code dnnl_status_t} value. */
    public int status() {
        return status;
    }

    /** Whether oneDNN has no implementation for what was asked on this processor. */
    public boolean unimplemented() {
        return status == OneDnn.UNIMPLEMENTED;
    }
}
