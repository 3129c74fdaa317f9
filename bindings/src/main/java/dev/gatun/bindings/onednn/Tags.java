package dev.gatun.bindings.onednn;

import dev.gatun.bindings.onednn.gen.OneDnnC;

/** Format tags: the letters are the dimensions from the slowest to the fastest in memory. */
public final class Tags {
    /** The primitive chooses. */
    public static final int ANY = OneDnnC.dnnl_format_tag_any();
    public static final int A = OneDnnC.dnnl_a();
    public static final int AB = OneDnnC.dnnl_ab();
    public static final int BA = OneDnnC.dnnl_ba();
    public static final int ABC = OneDnnC.dnnl_abc();
    public static final int ACB = OneDnnC.dnnl_acb();
    public static final int ABCD = OneDnnC.dnnl_abcd();
    public static final int ABCDE = OneDnnC.dnnl_abcde();
    public static final int ACDB = OneDnnC.dnnl_acdb();

    private Tags() {
    }
}
