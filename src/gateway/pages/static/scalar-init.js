// Without these options the viewer asks hosts of its maker, or offers to send the reader there.
Scalar.createApiReference("#reference", {
  url: "/openapi.json",
  telemetry: false,
  withDefaultFonts: false,
  agent: { disabled: true },
  mcp: { disabled: true },
  showDeveloperTools: "never",
  hideClientButton: true,
  // An API key moves money: it is not left behind in the storage of a shared computer.
  persistAuth: false,
});
