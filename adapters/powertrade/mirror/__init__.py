"""A local venue that speaks the protocol of PowerTrade, over loopback or in memory."""
