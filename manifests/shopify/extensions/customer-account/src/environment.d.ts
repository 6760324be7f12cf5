// What the bundler puts in the place of names: values of the app's environment file.
declare const process: { env: { REGULARS_URL: string } };
